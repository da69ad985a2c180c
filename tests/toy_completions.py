"""A server's ``/v1/completions``, which carries a prompt on with words that tell what was asked.

loopback.replies(completions())                 # "lamp" → " and so on"
loopback.replies(completions(chat_only=True))   # has chats alone, and says so
"""

from loopback import USAGE, Reply, completion


def body_of(texts, model="m", **choice):
    choices = [
        {"index": place, "text": text, "finish_reason": "stop", "logprobs": None, **choice}
        for place, text in enumerate(texts)
    ]
    return {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1,
        "model": model,
        "choices": choices,
        "usage": USAGE,
    }


def completions(*, chat_only=False, status=404, said="Not Found", logprobs=None):
    """A reply that carries every prompt on, `n` times each, streamed or whole."""

    def reply(request):
        body = request.body
        if request.path.endswith("/chat/completions"):
            return Reply.json(completion(f"chat: {body['messages'][-1]['content']}"))
        if chat_only:
            return Reply.json({"error": {"message": said, "type": "invalid_request_error"}}, status)
        prompts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
        texts = [
            f"{prompt if body.get('echo') else ''} and so on {number}{body.get('suffix', '')}"
            for prompt in prompts
            for number in range(body.get("n", 1))
        ]
        if body.get("stream"):
            pieces = [
                {**body_of([word + " "]), "usage": None, "choices": [{"index": 0, "text": word, "finish_reason": None}]}
                for word in (" and", " so", " on")
            ]
            return Reply.sse(*pieces, {**body_of([""]), "usage": USAGE})
        return Reply.json(body_of(texts, logprobs=logprobs))

    return reply
