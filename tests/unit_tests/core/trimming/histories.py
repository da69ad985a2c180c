"""Random conversations, as they come from agents and people, and what must hold of each that was trimmed."""

from hypothesis import strategies as st

SYSTEM = {"system", "developer"}


def system(text="Be brief."):
    return {"role": "system", "content": text}


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def calls(*ids, arguments="{}"):
    made = [{"id": name, "type": "function", "function": {"name": "look", "arguments": arguments}} for name in ids]
    return {"role": "assistant", "content": None, "tool_calls": made}


def result(name, text="found"):
    return {"role": "tool", "tool_call_id": name, "content": text}


def numbered(history):
    """The messages, each with a member that tells where it stood; trimming keeps it, also in what it cuts."""
    return [{**message, "at": at} for at, message in enumerate(history)]


WORDS = st.integers(0, 40).map(lambda size: " ".join(["word"] * size))
TEXTS = st.one_of(WORDS, st.text(max_size=80), st.just("long text\n" * 200))


@st.composite
def _tool_turns(draw):
    """Calls with their results, of ids that are used again and again, as weak models do; rarely something between."""
    ids = draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True))
    results = [result(name, draw(TEXTS)) for name in draw(st.permutations(ids))]
    if draw(st.integers(0, 9)) == 0:
        results.insert(draw(st.integers(0, len(results))), draw(st.sampled_from([user("hurry"), system("Mind it.")])))
    return [calls(*ids, arguments=draw(st.sampled_from(["{}", '{"text": "' + "word " * 60 + '"}']))), *results]


_TURNS = st.one_of(
    st.builds(lambda text: [user(text)], TEXTS),
    st.builds(lambda text: [assistant(text)], TEXTS),
    st.builds(lambda text: [user([{"type": "text", "text": text}])], TEXTS),
    _tool_turns(),
    st.sampled_from(
        [
            [result("lost")],
            [{"role": "tool", "content": "nameless"}],
            [{"role": "function", "name": "f", "content": "x"}],
        ]
    ),
    st.sampled_from([[system("Also be kind.")], [{"role": "developer", "content": "Mind the time."}]]),
)
HISTORIES = st.builds(
    lambda heads, turns: numbered([*heads, *(message for turn in turns for message in turn)]),
    st.lists(st.just(system()), max_size=2),
    st.lists(_TURNS, min_size=1, max_size=14),
)
BUDGETS = st.integers(20, 900)


def answered_calls(history):
    """For every result its index and that of the newest call before it with its id."""
    newest, pairs = {}, []
    for at, message in enumerate(history):
        for call in message.get("tool_calls") or []:
            newest[call["id"]] = at
        if message.get("tool_call_id") in newest:
            pairs.append((at, newest[message["tool_call_id"]]))
    return pairs
