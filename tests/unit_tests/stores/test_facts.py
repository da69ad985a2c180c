"""What processes tell each other: names and times, no keys; and rubbish harms nobody."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from g4f_integrations.core.candidates.candidate import route_key
from g4f_integrations.core.credentials import Secret
from g4f_integrations.core.health import RouteHealth
from g4f_integrations.core.trimming import RouteLimits
from g4f_integrations.stores._facts import FACTS, apply_fact, read_fact, shared_name, write_fact

WALL, MONO = 1_800_000_000.0, 50.0


def passed_on(health, fact):
    """What another process knows after `fact` was told, its own clock showing something else."""
    other = RouteHealth()
    told = read_fact(write_fact(health, fact, WALL, MONO), WALL)
    apply_fact(other, fact, told, wall=WALL + 1.0, mono=7_000.0, chance=0.0)
    return other


def test_a_name_holds_no_key_and_no_password():
    key = route_key(None, "P", "m", base_url="http://user:hidden@host/v1", api_key=Secret("sk-hidden"))

    assert "hidden" not in shared_name(key)
    assert key.key_hash not in shared_name(key)


def test_a_breaker_that_opened_is_open_elsewhere_for_what_is_left():
    opened = RouteHealth(open_until=MONO + 30.0, cooldowns=2, last_error="timeout")

    other = passed_on(opened, "breaker")

    assert other.open_until == pytest.approx(7_000.0 + 29.0)
    assert (other.cooldowns, other.last_error, other.timed_out, other.at_ease) == (2, "timeout", True, False)


def test_a_breaker_that_closed_is_closed_elsewhere():
    told = read_fact(write_fact(RouteHealth(), "breaker", WALL, MONO), WALL)
    other = RouteHealth(open_until=9_000.0, failures=3, at_ease=False)

    apply_fact(other, "breaker", told, wall=WALL, mono=7_000.0, chance=0.0)

    assert (other.open_until, other.failures, other.at_ease) == (0.0, 0, True)


@pytest.mark.parametrize("kind", ["auth", "quota"])
def test_what_concerns_a_key_is_not_told(kind):
    assert write_fact(RouteHealth(open_until=MONO + 30.0, last_error=kind), "breaker", WALL, MONO) is None


def test_waits_and_limits_are_told():
    limits = RouteLimits(window=4_096, scale=1.2, refused=5_000)
    health = RouteHealth(pushback_until=MONO + 90.0, rests_until=MONO + 5.0, limits=limits)

    assert passed_on(health, "pushback").pushback_until == pytest.approx(7_089.0)
    assert passed_on(health, "rest").rests_until == pytest.approx(7_004.0)
    assert passed_on(health, "limits").limits == limits


def test_nobody_can_keep_us_away_for_ever():
    for_ever = json.dumps({"v": 1, "at": WALL, "until": WALL * 3})
    health = RouteHealth()
    for fact in ("breaker", "pushback", "rest"):
        apply_fact(health, fact, read_fact(for_ever, WALL), wall=WALL, mono=0.0, chance=0.0)

    assert health.ready_at() <= 86_400.0


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "{}", '{"v":2,"at":1}', '{"v":1}', '{"v":1,"at":"now"}', '{"v":1,"at":NaN}', '{"v":1,"at":true}',
        '{"v":1,"at":1e300}', "[" * 1_500, '{"v":1,"at":1,"x":"' + "x" * 3_000 + '"}', b"\xff\xfe", '{"v":1,"at":1900000000}',
    ],
)  # fmt: skip
def test_what_is_no_fact_is_passed_over(text):
    assert read_fact(text, WALL) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["until", "cooldowns", "error", "window", "scale", "refused", "messages", "character_scale"])


@given(st.sampled_from(FACTS), st.dictionaries(NAMES, JSON))
def test_no_fact_is_too_strange(fact, says):
    health = RouteHealth()
    told = read_fact(json.dumps({"v": 1, "at": WALL, **says}), WALL)
    if told is not None:
        apply_fact(health, fact, told, wall=WALL, mono=MONO, chance=0.5)

    assert health.ready_at() <= MONO + 1.1 * 86_400.0
    assert health.limits is None or isinstance(health.limits, RouteLimits)
