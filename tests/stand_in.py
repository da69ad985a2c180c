"""What a model would say, for servers and providers of the tests that stand in for one. Pure."""

import re

USAGE = {
    "prompt_tokens": 7,
    "completion_tokens": 5,
    "total_tokens": 12,
    "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 1, "audio_tokens": 1},
    "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 1},
}


def reply_to(messages):
    """The newest message's text again, word by word; a few words about a message that has no text."""
    content = messages[-1].get("content") or ""
    parts = [content] if isinstance(content, str) else [part.get("text", "") for part in content]
    return re.findall(r"\s*\S+", "".join(parts)) or ["I", " see."]
