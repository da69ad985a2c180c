"""`model.health()`: every route's state for people and for programs, and no key in it."""

from __future__ import annotations

import json

import pytest

from asking import FAST, ask
from g4f_integrations import G4FLLM, ChatG4F, Endpoint, Route
from g4f_integrations.core.policy import Resilience
from g4f_integrations.testing import ScriptedProvider, cut, stall

HASTY = Resilience(first_token_timeout=0.02, attempt_timeout=0.02, backoff_initial=0)


def two():
    hung, well = ScriptedProvider(stall(30), name="Hung"), ScriptedProvider("text", name="Well")
    return [Route(hung, "m"), Route(well, "m")]


@pytest.mark.parametrize("model_class", [ChatG4F, G4FLLM])
async def test_both_models_show_their_routes_in_order(model_class):
    routes = two()
    await ask(routes=tuple(routes), policy=HASTY)

    hung, well = model_class(routes=routes).health()

    assert (hung.route, hung.provider, hung.model, hung.state, hung.last_error) == (
        "Hung:m", "Hung", "m", "open", "timeout",
    )  # fmt: skip
    assert (well.state, well.calls, well.success_ratio, well.cooldown) == ("closed", 1, 1.0, 0.0)
    assert 20 < hung.cooldown < 40
    assert hung.success_ratio == 0.0
    assert well.latency is not None


def test_a_model_that_nobody_has_asked_shows_closed_breakers():
    report = ChatG4F(routes=two()).health()

    assert [(status.state, status.calls, status.success_ratio, status.latency) for status in report] == [
        ("closed", 0, None, None)
    ] * 2


async def test_it_prints_as_a_table_and_becomes_json():
    routes = two()
    await ask(routes=tuple(routes), policy=HASTY)
    report = ChatG4F(routes=routes).health()

    head, hung, well = str(report).splitlines()
    assert head.split()[:2] == ["route", "state"]
    assert hung.split()[:2] == ["Hung:m", "open"]
    assert well.split()[:2] == ["Well:m", "closed"]
    assert [row["route"] for row in json.loads(json.dumps(report.to_dict()))] == ["Hung:m", "Well:m"]


def test_no_key_is_in_it():
    endpoint = Endpoint(
        "http://me:hidden@127.0.0.1:1/v1?key=hidden", "m", api_key="hidden", headers={"x-key": "hidden"}
    )
    report = ChatG4F(routes=[endpoint]).health()

    assert "hidden" not in f"{report} {report!r} {report.to_dict()}"


async def test_a_route_that_waits_for_a_probe_is_half_open():
    import asyncio

    broken = ScriptedProvider(cut(), name="Broken")
    policy = FAST.model_copy(update={"breaker_failures": 1, "breaker_cooldown": 0.001, "max_attempts": 1})
    with pytest.raises(Exception, match="Broken"):
        await ask(broken, policy=policy)
    await asyncio.sleep(0.01)

    assert ChatG4F(provider=broken).health()[0].state == "half-open"
