"""An embeddings endpoint that follows OpenAI's rules, with a model whose vectors can be told by hand.

    loopback.replies(embeddings())            # a good one
    loopback.replies(embeddings(model="b"))   # another model of the same length

The vector of a text is its length, its number of words, the number of its first letter, and 1: `vector_of`.
"""

import base64
import struct

from loopback import Reply

LENGTH = 4


def vector_of(text, model="a"):
    vector = [float(len(text)), float(len(text.split())), float(ord(text[:1] or "\0")), 1.0]
    return vector if model == "a" else vector[::-1]


def answer(texts, *, model="a", as_base64=True, length=None):
    rows = []
    for place, text in enumerate(texts):
        numbers = vector_of(text, model)
        numbers = (numbers + [0.0] * (length or 0))[: length or LENGTH]
        packed = base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
        rows.append({"object": "embedding", "index": place, "embedding": packed if as_base64 else numbers})
    return {"object": "list", "data": rows, "model": model, "usage": {"prompt_tokens": 1, "total_tokens": 1}}


def refusal(message, status=400, **members):
    return Reply.json({"error": {"message": message, "type": "invalid_request_error", **members}}, status)


def embeddings(*, model="a", most=2048, longest=None, takes_base64=True):
    """A reply that embeds; refuses more than `most` texts, texts longer than `longest` characters, and empty ones."""

    def reply(request):
        body = request.body
        texts = body["input"]
        if request.path != "/v1/embeddings":
            return refusal("Not found", 404)
        if not takes_base64 and "encoding_format" in body:
            return refusal("Unknown parameter: 'encoding_format'.", param="encoding_format")
        if not all(texts):
            return refusal("input cannot be an empty string")
        if len(texts) > most:
            return refusal(f"batch size {len(texts)} > maximum allowed batch size {most}", 422)
        if longest is not None and max(map(len, texts)) > longest:
            return refusal(
                f"This model's maximum context length is {longest} tokens, however you requested "
                f"{max(map(len, texts))} tokens",
                code="context_length_exceeded",
            )
        return Reply.json(
            answer(texts, model=model, as_base64=body.get("encoding_format") == "base64", length=body.get("dimensions"))
        )

    return reply
