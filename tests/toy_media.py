"""Small files of every sort, made here byte by byte, and the ways in which routes lie about them."""

import base64
import io
import struct
import wave
import zlib

from loopback import Reply


def png(width=3, height=2, shade=0):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\x00" + bytes([shade, 0, 0]) * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def gif(width=3, height=2):
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02;"


def wav(samples=100):
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * samples))
    return buffer.getvalue()


def mp3(size=400):
    return b"\xff\xfb\x90\x00" + bytes(size)


def mp4(size=100):
    return b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41" + bytes(size)


def base64_of(data):
    return base64.b64encode(data).decode()


def data_uri(data, mime_type="image/png"):
    return f"data:{mime_type};base64,{base64_of(data)}"


PAGE = "<!DOCTYPE html><html><head><title>Welcome</title></head><body>Please enjoy our site.</body></html>"
NOTICE = "The server is busy. Please try again later."

LIES = {
    "a page": lambda: Reply.status(200, PAGE, content_type="text/html"),
    "a page under another name": lambda: Reply.status(200, PAGE, content_type="image/png"),
    "an empty body": lambda: Reply.status(200, b"", content_type="image/png"),
    "a notice": lambda: Reply.status(200, NOTICE, content_type="text/plain"),
    "an error object": lambda: Reply.json({"error": {"message": "Model is overloaded"}}),
    "an empty object": lambda: Reply.json({}),
    "noise": lambda: Reply.status(200, bytes(range(128, 255)) * 3, content_type="application/octet-stream"),
}
"""What a route answers with status 200 instead of a file."""
