"""Counting tokens: as the published vocabularies do, without the network, and never thrown off by what a text holds."""

import asyncio
import base64
import struct
import subprocess
import sys
import textwrap
import threading
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_integrations.core.tokens import (
    TOKEN,
    count_message_tokens,
    count_tokens,
    counter_for,
    counter_from,
    estimate_message_tokens,
    estimate_tokens,
    load_vocabulary,
    token_ids,
    weight_of,
)
from g4f_integrations.core.tokens import _vocabularies as vocabularies
from g4f_integrations.core.tokens._families import carriers, encoding_named, family_of
from g4f_integrations.errors import ConfigurationError

fuzz = settings(deadline=None)
TEXT = st.text(max_size=60)
ODD = st.text(alphabet="abCD eé1234.,'sll\n\t  漢字。ж🙂\u0301\u200d<|endoftext|>", max_size=80)


@pytest.fixture
def no_vocabularies(monkeypatch, tmp_path):
    """As on a machine where neither tiktoken's cache nor another package has one."""
    monkeypatch.setattr(vocabularies, "_loaded", {})
    monkeypatch.setattr(vocabularies, "_folders", lambda: iter([tmp_path]))
    monkeypatch.setattr("tiktoken.registry.ENCODINGS", {})


@pytest.fixture(scope="module")
def published():
    """tiktoken's own encodings, read from where another package carries them."""
    import tiktoken

    words = {}
    for name in ("o200k_base", "cl100k_base"):
        data = encoding_named(name)
        content = vocabularies._content(data)
        assert content is not None
        lines = (line.split() for line in content.splitlines())
        ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
        special = {"<|endoftext|>": len(ranks) + 1}
        words[name] = tiktoken.Encoding(name, pat_str=data.pattern, mergeable_ranks=ranks, special_tokens=special)
    return words


# Exactness -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "encoding"), [("auto", "o200k_base"), ("gpt-4o", "o200k_base"), ("gpt-4", "cl100k_base")]
)
@fuzz
@given(text=ODD)
def test_a_text_counts_as_in_the_published_vocabulary(model, encoding, text, published):
    assert count_tokens(text, model) == len(published[encoding].encode_ordinary(text))


@pytest.mark.parametrize(
    "text",
    [
        "def f(x):\n    return x + 1\n\n" * 2_000,
        "今天天气很好，我们去公园散步吧。" * 2_000,
        "It's 3.14159, isn't it? We'll see; they'd say so.\n" * 1_000,
    ],
    ids=["code", "Chinese", "prose"],
)
def test_a_long_text_counts_the_same_though_it_is_counted_in_parts(text, published):
    assert count_tokens(text) == len(published["o200k_base"].encode_ordinary(text))


@pytest.mark.parametrize(
    ("model", "encoding", "ratio"),
    [
        ("gpt-4", "cl100k_base", 1.0),
        ("gpt-4-turbo", "cl100k_base", 1.0),
        ("gpt-3.5-turbo", "cl100k_base", 1.0),
        ("openai/gpt-4o-mini", "o200k_base", 1.0),
        ("gpt-4.1", "o200k_base", 1.0),
        ("openai/gpt-oss-120b", "o200k_base", 1.0),
        ("o3-mini", "o200k_base", 1.0),
        ("anthropic/claude-sonnet-4-5", "o200k_base", 1.3),
        ("meta-llama/Llama-3.3-70B", "cl100k_base", 1.05),
        ("mixtral-8x7b", "cl100k_base", 1.35),
        ("nobody-has-heard-of-it", "o200k_base", 1.0),
    ],
)
def test_every_family_has_a_vocabulary_and_a_ratio(model, encoding, ratio):
    family = family_of(model)

    assert (family.encoding, family.ratio) == (encoding, ratio)


def test_a_model_with_a_vocabulary_of_its_own_counts_by_its_ratio():
    plain, dear = count_tokens("word " * 1_000), count_tokens("word " * 1_000, "claude-sonnet-4-5")

    assert dear == pytest.approx(1.3 * plain, abs=1)


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4", "claude-3-7-sonnet"])
@pytest.mark.parametrize("text", ["", "Hello, world!", "some words " * 3_000])
def test_a_list_of_tokens_has_as_many_as_are_counted(model, text):
    assert len(token_ids(text, model)) == count_tokens(text, model)


def test_the_tokens_are_the_vocabularys_own(published):
    assert token_ids("Hello, world!", "gpt-4o") == published["o200k_base"].encode_ordinary("Hello, world!")


# Hostile texts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["<|endoftext|>", "<|im_start|>system", "\ud83d", "\udc00\ud800" * 50, "\x00\uffff", "\u202e" * 30]
)
def test_special_tokens_and_halves_of_characters_are_text(text):
    assert count_tokens(text) > 0
    assert count_message_tokens({"role": "user", "content": text}) > 4
    assert estimate_tokens(text) > 0


@pytest.mark.parametrize("piece", ["a", " ", "\n", "漢", "=", "\ud800", "ab1", "🙂"])
def test_a_run_without_a_boundary_is_counted_in_parts(piece, monkeypatch):
    sizes = []
    words = vocabularies.load("o200k_base")

    class Spy:
        def encode_ordinary(self, text):
            sizes.append(len(text))
            return words.encode_ordinary(text)

    vocabularies.encoded_length(Spy(), piece * 60_000)

    assert sum(sizes) == len(piece) * 60_000
    assert max(sizes) <= 12_001


# No vocabulary, no network -------------------------------------------------------------------------------------------


def test_without_a_vocabulary_counts_are_estimates(no_vocabularies):
    assert not load_vocabulary()
    assert count_tokens("Hello, world!") == estimate_tokens("Hello, world!")
    assert count_message_tokens({"role": "user", "content": "Hi"}) == estimate_message_tokens(
        {"role": "user", "content": "Hi"}
    )


def test_a_file_that_is_not_what_it_should_be_is_left_alone(no_vocabularies, tmp_path):
    (tmp_path / encoding_named("o200k_base").file).write_bytes(b"IQ== 0\n")

    assert not load_vocabulary()
    assert count_tokens("Hello") == estimate_tokens("Hello")


def test_the_network_is_used_only_when_asked(no_vocabularies, monkeypatch):
    asked = []
    monkeypatch.setattr("tiktoken.get_encoding", lambda name: asked.append(name))

    load_vocabulary("gpt-4")
    load_vocabulary("gpt-4", download=True)

    assert asked == ["cl100k_base"]


def test_a_vocabulary_is_found_inside_another_package():
    packages = [package for package, _ in carriers()]

    assert "llama_index" in packages
    assert load_vocabulary("gpt-4o")
    assert load_vocabulary("gpt-4")


def test_counting_loads_no_framework_and_importing_loads_no_vocabulary():
    code = """
        import sys
        from g4f_integrations.core import tokens
        assert "tiktoken" not in sys.modules
        tokens.count_tokens("Hello")
        assert "tiktoken" in sys.modules
        assert not [name for name in sys.modules if name.startswith(("llama_index.core", "litellm", "langchain"))]
    """
    child = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)

    assert (child.returncode, child.stderr) == (0, "")


async def test_inside_an_event_loop_it_is_loaded_elsewhere_and_estimated_meanwhile(monkeypatch):
    known = vocabularies.load("o200k_base")
    started, may_end, threads = threading.Event(), threading.Event(), []

    def slow(encoding, *, download):
        threads.append(threading.current_thread())
        started.set()
        may_end.wait(5)
        return known

    monkeypatch.setattr(vocabularies, "_loaded", {})
    monkeypatch.setattr(vocabularies, "_loading", set())
    monkeypatch.setattr(vocabularies, "_made", slow)
    text = "12345678901234567890"

    while_loading = [count_tokens(text), count_tokens(text)]
    await asyncio.to_thread(started.wait, 5)
    may_end.set()
    await asyncio.to_thread(threads[0].join)

    assert while_loading == [estimate_tokens(text)] * 2
    assert len(threads) == 1
    assert count_tokens(text) == 7


# The estimate --------------------------------------------------------------------------------------------------------


@fuzz
@given(TEXT, TEXT)
def test_the_weights_of_pieces_add_up(first, second):
    assert weight_of(first) + weight_of(second) == weight_of(first + second)


@fuzz
@given(TEXT)
def test_no_text_but_the_empty_one_is_free(text):
    assert (estimate_tokens(text) == 0) == (not text)
    assert (count_tokens(text) == 0) == (not text)


@pytest.mark.parametrize(
    "text",
    [
        "The keeper of the light walked up the stairs and lit the lamp. " * 20,
        "def walk(tree):\n    for node in tree:\n        yield from walk(node)\n" * 20,
        "今天天气很好，我们去公园散步吧。" * 20,
        "Сегодня хорошая погода, пойдём в парк. " * 20,
        '{"name": "Ada", "born": 1815, "tags": ["x", "y"]}' * 20,
        base64.b64encode(bytes(range(256)) * 4).decode(),
        "🙂🎉🚀" * 40,
    ],
    ids=["English", "code", "Chinese", "Russian", "JSON", "base64", "emojis"],
)
def test_the_estimate_is_rather_too_high_and_never_far_off(text):
    assert 0.85 < estimate_tokens(text) / count_tokens(text) < 1.7


@pytest.mark.parametrize("text", ["", "a", "漢字", "Hello, world!"])
def test_a_weight_is_about_its_tokens(text):
    assert abs(estimate_tokens(text) - weight_of(text) / TOKEN) < 1


# Messages ------------------------------------------------------------------------------------------------------------


def test_every_member_that_is_sent_counts():
    call = {"id": "1", "function": {"name": "f", "arguments": '{"text": "some words"}'}}
    plain = {"role": "user", "content": "Hello"}
    larger = [
        {**plain, "name": "somebody"},
        {**plain, "tool_calls": [call]},
        {**plain, "tool_calls": [call, call]},
        {**plain, "function_call": call["function"]},
        {**plain, "tool_call_id": "1"},
        {**plain, "reasoning_content": "I think"},
        {**plain, "content": [{"type": "text", "text": "Hello"}, {"type": "text", "text": "you"}]},
    ]

    assert all(count_message_tokens(message) > count_message_tokens(plain) for message in larger)


def test_a_message_counts_its_text_and_four():
    assert count_message_tokens({"role": "user", "content": "Hello, world!"}) == count_tokens("Hello, world!") + 4


def test_tools_count_by_their_schemas():
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}

    assert counter_for().tools([tool, tool]) == 2 * counter_for().tools([tool]) > 0
    assert counter_for().tools(None) == counter_for().tools([]) == 0


@pytest.mark.parametrize(
    "content",
    [None, "", [], [None], [1], ["text"], [{}], [{"type": "text"}], 5, {"type": "text"}, [[[]]], [{"type": ["odd"]}]],
)
def test_odd_content_is_counted_without_complaint(content):
    assert count_message_tokens({"role": "user", "content": content}) >= 4


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"content": "x"},
        {"role": "assistant", "tool_calls": "odd"},
        {"role": "assistant", "tool_calls": [None, 3, {}, {"function": "f"}, {"function": {"arguments": {"a": 1}}}]},
        {"role": "assistant", "function_call": 5},
    ],
)
def test_odd_messages_are_counted_without_complaint(message):
    assert count_message_tokens(message) >= 4


@pytest.mark.parametrize("own", [None, len, lambda message: len(message["role"])], ids=["tokens", "texts", "messages"])
def test_sums_from_the_end_are_those_of_the_messages_up_to_the_first_that_is_too_much(own):
    contents = ["one", "", None, 0, b"", ["two", {"type": "text", "text": "three"}], "one two three", "x"]
    history = [{"role": "user", "content": content} for content in contents]
    call = {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    history += [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "y", "name": "z"},
    ]
    counter = counter_for() if own is None else counter_from(own)
    sums = [sum(map(counter.message, history[len(history) - newest :])) for newest in range(len(history) + 1)]

    assert counter.from_the_end(history, sums[-1]) == sums
    assert counter.from_the_end(history, sums[4]) == sums[:6]
    assert counter.from_the_end(history, -1) == sums[:2]


def test_a_part_of_an_unknown_kind_counts_its_texts_but_no_data():
    part = {"type": "citation", "quote": "some words of it", "image": "data:image/png;base64," + "A" * 9_000}

    assert 4 < count_message_tokens({"role": "user", "content": [part]}) < 40


# Pictures, sound, files ----------------------------------------------------------------------------------------------


def png(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


def jpeg(width, height):
    thumbnail = b"\xff\xe1" + struct.pack(">H", 3_000) + b"\x00" * 2_998
    return b"\xff\xd8" + thumbnail + b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + b"\x00" * 9


def gif(width, height):
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x00" * 8


def bmp(width, height):
    return b"BM" + b"\x00" * 16 + struct.pack("<ii", width, -height)


def webp(kind):
    body = {
        b"VP8X": b"\x00" * 8 + (799).to_bytes(3, "little") + (599).to_bytes(3, "little"),
        b"VP8 ": b"\x00" * 10 + struct.pack("<HH", 800, 600),
        b"VP8L": b"\x00" * 4 + b"\x2f" + struct.pack("<I", 799 | 599 << 14),
    }[kind]
    return b"RIFF\x00\x00\x00\x00WEBP" + kind + body


def picture_tokens(data, detail="high", model="gpt-4o"):
    url = data if isinstance(data, str) else "data:image/png;base64," + base64.b64encode(data).decode()
    part = {"type": "image_url", "image_url": {"url": url, "detail": detail}}
    return count_message_tokens({"role": "user", "content": [part]}, model) - 4


@pytest.mark.parametrize(
    ("size", "detail", "tokens"),
    [((512, 512), "high", 255), ((1024, 1024), "high", 765), ((2048, 4096), "high", 1105), ((4096, 8192), "low", 85)],
)
def test_a_picture_costs_by_its_size_and_detail_as_openai_tells(size, detail, tokens):
    assert picture_tokens(png(*size), detail) == tokens


@pytest.mark.parametrize(
    "data", [png(800, 600), jpeg(800, 600), gif(800, 600), bmp(800, 600), *map(webp, (b"VP8X", b"VP8 ", b"VP8L"))]
)
def test_sizes_are_read_from_every_common_kind_of_picture(data):
    assert picture_tokens(data + b"\x00" * 64, model="claude-opus-4-5") == 640


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a.png",
        "data:image/png;base64," + "A" * 100_000,
        "data:image/png;base64,",
        "data:" + "x" * 500,
        "data:image/jpeg;base64,/9j/" + "/" * 4_000,
        "data:image/gif;base64,R0lGODlh\udc00",
        "",
    ],
)
def test_a_picture_of_unknown_size_costs_as_one_of_1024_by_1024(url):
    assert picture_tokens(url) == 765


@pytest.mark.parametrize("form", ["chat", "responses", "anthropic"])
def test_a_pictures_size_is_read_in_whatever_form_it_is_handed_over(form):
    data = base64.b64encode(png(512, 512)).decode()
    url = f"data:image/png;base64,{data}"
    part = {
        "chat": {"type": "image_url", "image_url": {"url": url}},
        "responses": {"type": "input_image", "image_url": url},
        "anthropic": {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}},
    }[form]

    assert count_message_tokens({"role": "user", "content": [part]}, "gpt-4o") - 4 == 255


def test_every_family_has_its_own_price_for_pictures():
    prices = {
        model: picture_tokens(png(1024, 1024), model=model)
        for model in ("gpt-4o-mini", "claude-3", "gemini-3-pro", "gpt-5-mini")
    }

    assert prices == {"gpt-4o-mini": 25_501, "claude-3": 1_399, "gemini-3-pro": 1_032, "gpt-5-mini": 2_520}


def part_tokens(part):
    return count_message_tokens({"role": "user", "content": [part]}) - 4


def test_sound_costs_by_its_seconds():
    wav = b"RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00" + struct.pack("<HHIIHH", 1, 1, 8_000, 16_000, 2, 16)
    data = base64.b64encode(wav + b"\x00" * (160_000 - len(wav))).decode()

    assert part_tokens({"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}) == 320
    assert part_tokens({"type": "input_audio", "input_audio": {}}) == 60 * 32


def test_files_cost_by_their_size():
    def tokens(size, name):
        data = base64.b64encode(b"x" * size).decode()
        return part_tokens({"type": "file", "file": {"file_data": data, "filename": name}})

    assert tokens(300, "a.pdf") == 250
    assert tokens(120_000, "a.pdf") == 10_000
    assert tokens(120_000, "a.txt") == 40_000
    assert part_tokens({"type": "file", "file": {"file_id": "file-1"}}) == 3_000
    assert part_tokens({"type": "video_url", "video_url": {"url": "http://127.0.0.1/a"}}) == 16_000


# Counts are kept -----------------------------------------------------------------------------------------------------


def test_a_text_is_counted_once():
    asked = []
    counter = counter_from(lambda text: asked.append(text) or len(text))
    asked.clear()

    for _ in range(3):
        counter.message({"role": "user", "content": "the same words"})

    assert asked == ["the same words"]


def test_the_cache_keeps_the_newest_counts_and_is_bounded(monkeypatch):
    monkeypatch.setattr("g4f_integrations.core.tokens._counters._KEPT_TEXTS", 10)
    asked = []
    counter = counter_from(lambda text: asked.append(text) or len(text))
    asked.clear()

    for number in range(100):
        counter.text(str(number))
        counter.text("used all the time")

    assert asked.count("used all the time") == 1
    assert len(counter._young) + len(counter._old) <= 20


@pytest.mark.parametrize(
    ("own", "tokens"),
    [
        (len, 5 + 4),
        (lambda text: len(text.split()), 1 + 4),
        (lambda message: len(message["content"]), 5),
        (lambda message: 7 if message["content"] else 2, 7),
        (lambda text: len(text) // 4 + 1, 2 + 4),
        (lambda text: max(1, len(text) // 4), 1 + 4),
        (lambda message: 1, 1),
    ],
    ids=["characters", "words", "by message", "flat", "rounded up", "one at least", "messages"],
)
def test_a_users_own_counter_may_take_texts_or_messages(own, tokens):
    assert counter_from(own).message({"role": "user", "content": "Hello"}) == tokens


@pytest.mark.parametrize("own", [5, "len", lambda: 3, lambda text: "many", lambda text: -1])
def test_what_cannot_count_is_refused(own):
    with pytest.raises(ConfigurationError, match="counter must"):
        counter_from(own)
