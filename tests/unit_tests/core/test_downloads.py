import asyncio
import gzip
import socket

import pytest

from g4f_integrations.core.downloads import DownloadFailed, DownloadLimits, download, is_public, origin_of
from loopback import WAIT, LoopbackServer, Reply, Stall

ALLOWED = DownloadLimits(allow_private=True)
FILE = Reply.status(200, b"the file", content_type="Image/PNG; charset=x")


def redirect(target, status=302):
    return Reply.status(status, b"", headers={"Location": target})


async def refusal(url, limits=None, **options):
    with pytest.raises(DownloadFailed) as raised:
        await download(url, limits, **options)
    return raised.value


async def test_a_file_comes_with_its_type_and_its_place(loopback):
    loopback.replies(FILE)

    got = await download(f"{loopback.root}/a.png#top", ALLOWED)

    assert (got.data, got.content_type) == (b"the file", "image/png")
    assert loopback.requests[0].path == "/a.png"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.com/a",
        "gopher://127.0.0.1:25/",
        "javascript:alert(1)",
        "/etc/passwd",
        "C:\\a.png",
        "",
        "http://",
        "http://[::1",
        "http://example.com:99999/",
    ],
)
async def test_only_http_is_fetched(url):
    assert (await refusal(url, ALLOWED)).reason == "refused"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "[fe80::1]",
        "[fc00::1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "localhost",
        "LOCALHOST.",
        "printer.local",
        "db.internal",
    ],
)
async def test_private_addresses_are_refused_in_every_notation(host):
    assert (await refusal(f"http://{host}:1/")).reason == "refused"


def test_public_addresses_are_public():
    assert all(map(is_public, ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"]))
    assert not any(map(is_public, ["", "example.com", "fe80::1%eth0", "ff02::1"]))


def test_an_origin_is_scheme_host_and_port():
    assert origin_of("http://a.example/x") == origin_of("HTTP://u:p@A.example.:80/y")
    assert origin_of("http://a.example") != origin_of("https://a.example")
    assert origin_of("nonsense") == origin_of("http://[::1") == ""


async def test_a_name_that_leads_into_a_private_network_is_refused_and_nobody_is_asked(loopback, monkeypatch):
    resolve_to(monkeypatch, "127.0.0.1")

    error = await refusal(f"http://pictures.example:{loopback.port}/a.png")

    assert error.reason == "refused"
    assert loopback.requests == []


async def test_one_private_address_among_public_ones_is_enough_to_refuse(loopback, monkeypatch):
    resolve_to(monkeypatch, "93.184.216.34", "127.0.0.1")

    assert (await refusal(f"http://pictures.example:{loopback.port}/a.png")).reason == "refused"


async def test_a_name_is_looked_up_once_so_that_it_cannot_change_its_mind(loopback, monkeypatch):
    asked = resolve_to(monkeypatch, "127.0.0.1")
    loopback.replies(FILE)

    await download(f"http://pictures.example:{loopback.port}/a.png", ALLOWED)

    assert asked == ["pictures.example"]


def resolve_to(monkeypatch, *addresses):
    """Has every name lead to `addresses`; returns the list of names that are looked up."""
    asked = []

    def getaddrinfo(host, port, *_, **__):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, int(port))) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


async def test_an_origin_that_the_user_named_may_be_private(loopback):
    loopback.replies(FILE)

    got = await download(f"{loopback.root}/a.png", trusted=frozenset({origin_of(loopback.base_url)}))

    assert got.data == b"the file"


async def test_each_redirect_is_looked_at(loopback):
    with LoopbackServer() as other:
        loopback.replies(redirect(f"{other.root}/secret"))

        error = await refusal(f"{loopback.root}/a.png", trusted=frozenset({origin_of(loopback.root)}))

        assert error.reason == "refused"
        assert other.requests == []


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://169.254.169.254/latest", "http://10.0.0.1/"])
async def test_a_redirect_to_what_must_not_be_fetched_is_refused(loopback, target):
    loopback.replies(redirect(target))

    error = await refusal(f"{loopback.root}/a.png", trusted=frozenset({origin_of(loopback.root)}))

    assert error.reason == "refused"


async def test_redirects_are_followed_so_far_and_no_further(loopback):
    loopback.replies(redirect("/b.png", 307), FILE)
    assert (await download(f"{loopback.root}/a.png", ALLOWED)).url.endswith("/b.png")

    loopback.replies(redirect("/a.png"))
    assert (await refusal(f"{loopback.root}/a.png", ALLOWED)).reason == "refused"
    assert len(loopback.requests) == 2 + 6


async def test_headers_do_not_go_on_to_another_origin(loopback):
    with LoopbackServer() as other:
        loopback.replies(redirect(f"{other.root}/b.png"))
        other.replies(FILE)

        await download(f"{loopback.root}/a.png", ALLOWED, headers={"Authorization": "Bearer s", "Cookie": "a=b"})

        assert loopback.requests[0].headers["authorization"] == "Bearer s"
        assert not {"authorization", "cookie"} & other.requests[0].headers.keys()


@pytest.mark.parametrize(
    "reply",
    [
        Reply.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n" + bytes(100)),
        Reply.body(*[bytes(1000)] * 20, content_type="image/png"),
        Reply.status(200, gzip.compress(bytes(5_000_000)), headers={"Content-Encoding": "gzip"}),
    ],
    ids=["announced", "streamed", "packed"],
)
async def test_what_is_too_large_is_refused(loopback, reply):
    loopback.replies(reply)

    error = await refusal(f"{loopback.root}/a.png", DownloadLimits(allow_private=True, max_bytes=10_000))

    assert error.reason == "too_large"


async def test_a_packed_body_is_unpacked(loopback):
    loopback.replies(Reply.status(200, gzip.compress(b"the file"), headers={"Content-Encoding": "gzip"}))

    assert (await download(f"{loopback.root}/a.png", ALLOWED)).data == b"the file"


@pytest.mark.parametrize("status", [204, 404, 500])
async def test_an_error_status_is_told(loopback, status):
    loopback.replies(Reply.status(status, b""))

    if status == 204:
        assert (await download(loopback.root, ALLOWED)).data == b""
    else:
        error = await refusal(loopback.root, ALLOWED)
        assert (error.reason, error.status) == ("status", status)


async def test_a_stalled_download_ends_with_its_time(loopback):
    loopback.replies(Reply.body(b"the", Stall(), content_type="image/png"))

    error = await refusal(loopback.root, DownloadLimits(allow_private=True, timeout=0.05))

    assert error.reason == "timeout"
    assert loopback.requests[0].client_left()


async def test_a_cut_download_is_no_file(loopback):
    loopback.replies(Reply.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"))

    assert (await refusal(loopback.root, ALLOWED)).reason == "network"


async def test_a_packed_file_that_was_cut_before_it_was_sent_is_no_file(loopback):
    loopback.replies(Reply.status(200, gzip.compress(b"the file")[:-9], headers={"Content-Encoding": "gzip"}))

    assert (await refusal(loopback.root, ALLOWED)).reason == "network"


async def test_cancelling_closes_the_connection(loopback):
    loopback.replies(Reply.body(b"the", Stall(), content_type="image/png"))
    task = asyncio.ensure_future(download(loopback.root, ALLOWED))
    assert await asyncio.to_thread(loopback.wait_for_requests)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await asyncio.to_thread(loopback.requests[0].hung_up.wait, WAIT)


async def test_an_error_shows_no_credentials(loopback):
    loopback.replies(Reply.status(404))
    host = loopback.root.removeprefix("http://")

    error = await refusal(f"http://user:hunter2@{host}/a?token=abcdef", ALLOWED)

    assert "hunter2" not in str(error)
    assert "abcdef" not in str(error)


@pytest.mark.parametrize("limits", [{"max_bytes": 0}, {"timeout": 0}, {"max_redirects": -1}])
def test_limits_that_allow_nothing_are_refused(limits):
    with pytest.raises(ValueError, match="DownloadLimits"):
        DownloadLimits(**limits)
