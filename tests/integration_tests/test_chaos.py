"""A small chaos run: what `benchmarks/chaos.py` does with ten thousand calls, asserted with a few hundred.

Everything follows from one seed but the order of things. Nothing here is about time, but that every call ends.
"""

import pytest
from chaos import Outcome, Said, difference, run_scene, told_by
from chaos_clients import InProcess, endpoints, ours, start_threads
from faults import FATAL, HARMLESS, answer_to
from g4f.client import create_custom_provider
from setting import start_server

from g4f_integrations import Resilience, Route
from g4f_integrations.core.health import LocalHealth

SEED, PROBABILITY, CALLS, AT_A_TIME = 7, 0.4, 100, 25
ENDS = 60.0  # seconds, far beyond what any call takes here: one that takes longer hangs
STORM = {
    "max_attempts": 16,
    "attempts_per_route": 4,
    "first_token_timeout": 0.4,
    "stall_timeout": 0.4,
    "attempt_timeout": 0.6,
    "backoff_initial": 0.001,
    "breaker_cooldown": 0.05,
    "deadline": 50,
}


@pytest.fixture(scope="module")
def server():
    return start_server(pinned=False, program="chaos_server.py")


def urls(server, tag):
    return [server.url(f"chaos.{tag}.{route}.{SEED}.{round(PROBABILITY * 1000)}.0") for route in range(5)]


def weather(server, tag, routes, *, stream=True, local=None):
    """The result of all calls over `routes`."""
    start_threads()
    policy = Resilience(**STORM, store=LocalHealth())
    result = run_scene(server, ours(routes, stream=stream, resilience=policy), range(CALLS), AT_A_TIME, ENDS)
    asked, fates = told_by(server, tag)
    result.count(asked + local.asked if local else asked, fates + local.fates if local else fates)
    return result


def assert_stood(result):
    assert result.errors() == {}
    assert [outcome.number for outcome in result.outcomes if not outcome.is_exact] == []
    assert result.wrong_bytes == (0, 0)
    assert (result.hung, result.tasks_left, result.descriptors_left) == (0, 0, 0)
    assert result.untold == 0
    assert max(result.requests.values()) <= STORM["max_attempts"]
    assert 1 < result.requests_per_call < 3  # 1.7 are to be expected


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])
def test_endpoints_that_fail_in_every_way_cost_no_byte_and_no_call(server, stream):
    tag = f"http{stream}"

    result = weather(server, tag, endpoints(urls(server, tag)), stream=stream)

    assert_stood(result)
    # Which request meets what depends on the order of things, so that a few kinds may not have come up.
    assert len(result.fates) > 0.75 * len({"ok", *FATAL, *HARMLESS})


def test_providers_in_this_process_beside_endpoints_cost_none_either(server):
    local, (first, second, *_, last) = InProcess(SEED, PROBABILITY), urls(server, "mixed")
    template = create_custom_provider(second, api_key="sk", name="Template", default_model="bench", models=["bench"])
    routes = [
        *endpoints([first]),
        Route(template, "bench", native_tools=True),
        local.route(2, inline=True),
        local.route(3, inline=False, may_block=True),
        *endpoints([last]),
    ]

    assert_stood(weather(server, "mixed", routes, local=local))


@pytest.mark.parametrize(
    ("said", "lost", "extra"),
    [
        (answer_to(3), 0, 0),
        (answer_to(3)[:-4], 4, 0),
        (answer_to(3) + answer_to(3)[-4:], 0, 4),
        (answer_to(3).replace("bay", "Bay", 1), 1, 1),
    ],
    ids=["exact", "cut", "doubled", "changed"],
)
def test_the_run_sees_a_single_wrong_byte(said, lost, extra):
    assert Outcome(3, 0.1, Said(said)).is_exact is (lost == extra == 0)
    assert difference(answer_to(3), said) == (lost, extra)
