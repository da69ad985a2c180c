"""How long what was found is remembered."""

from g4f_integrations.core.search import SearchResult, SearchResults, WebSearch
from g4f_integrations.core.search._memory import FRESH, SearchMemory

SEARCH = WebSearch()
FOUND = SearchResults("lamp", (SearchResult("A", "https://a.example", text="b"),))


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_what_was_found_is_fresh_for_minutes_and_kept_for_the_turn():
    memory = SearchMemory(clock := Clock())
    memory.keep(SEARCH, "lamp", FOUND)

    clock.now = FRESH - 1
    assert memory.get(SEARCH, " lamp\n", same_turn=False).found == FOUND
    clock.now = FRESH
    assert memory.get(SEARCH, "lamp", same_turn=False) is None
    assert memory.get(SEARCH, "lamp", same_turn=True).found == FOUND


def test_what_found_nothing_is_asked_again_at_the_next_question():
    memory = SearchMemory(clock := Clock())
    for found in (None, SearchResults("lamp")):
        memory.keep(SEARCH, "lamp", found, "timeout")
        assert memory.get(SEARCH, "lamp", same_turn=False) is None
        assert memory.get(SEARCH, "lamp", same_turn=True).found == found
    clock.now = 61
    assert memory.get(SEARCH, "lamp", same_turn=True) is None


def test_other_settings_are_another_search():
    memory = SearchMemory()
    memory.keep(SEARCH, "lamp", FOUND)

    assert memory.get(WebSearch(region="de-de"), "lamp", same_turn=False) is None


def test_it_does_not_grow():
    memory = SearchMemory()
    large = SearchResults("b", (SearchResult("A", "https://a.example", text="b" * 300_000),))
    for number in range(1000):
        memory.keep(SEARCH, str(number), FOUND)
    memory.keep(SEARCH, "large", large)

    assert sum(memory.get(SEARCH, str(number), same_turn=True) is not None for number in range(1000)) == 64
    assert memory.get(SEARCH, "large", same_turn=True) is None
