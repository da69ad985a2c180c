"""Alarms of a loop: rung in time and in order, put off for good, each by itself; and the limit built on them."""

import asyncio
import gc
import weakref

import pytest

from g4f_integrations.core.alarms import GRACE_TURNS, Limit, set_alarm


async def test_alarms_ring_in_the_order_of_their_times():
    loop = asyncio.get_running_loop()
    rung, all_rung = [], asyncio.Event()
    for name, seconds in (("third", 0.006), ("first", 0.001), ("second", 0.003)):
        set_alarm(
            loop, loop.time() + seconds, lambda name=name: (rung.append(name), name == "third" and all_rung.set())
        )
    await asyncio.wait_for(all_rung.wait(), 5)
    assert rung == ["first", "second", "third"]


async def test_an_alarm_rings_no_sooner_than_it_should():
    loop = asyncio.get_running_loop()
    due, rung = loop.time() + 0.005, loop.create_future()
    set_alarm(loop, due, lambda: rung.set_result(loop.time()))
    assert await asyncio.wait_for(rung, 5) >= due - 1e-6


async def test_an_alarm_whose_time_has_passed_rings_at_once():
    loop = asyncio.get_running_loop()
    rung = loop.create_future()
    set_alarm(loop, loop.time() - 1, lambda: rung.set_result("rung"))
    assert await asyncio.wait_for(rung, 5) == "rung"


async def test_an_alarm_that_was_put_off_never_rings():
    loop = asyncio.get_running_loop()
    rung, later = [], loop.create_future()
    alarm = set_alarm(loop, loop.time() + 0.001, lambda: rung.append("put off"))
    set_alarm(loop, loop.time() + 0.003, lambda: later.set_result(None))
    alarm.cancel()
    await asyncio.wait_for(later, 5)
    assert rung == []
    assert not alarm.is_alive


async def test_an_alarm_that_fails_keeps_no_other_from_ringing():
    loop = asyncio.get_running_loop()
    complaints, rung = [], loop.create_future()
    loop.set_exception_handler(lambda _, context: complaints.append(type(context["exception"])))
    due = loop.time() + 0.001
    set_alarm(loop, due, lambda: 1 / 0)
    set_alarm(loop, due, lambda: rung.set_result(None))
    await asyncio.wait_for(rung, 5)
    assert complaints == [ZeroDivisionError]


async def test_an_alarm_may_set_the_next():
    loop = asyncio.get_running_loop()
    rung = loop.create_future()
    set_alarm(loop, loop.time(), lambda: set_alarm(loop, loop.time(), lambda: rung.set_result("the next")))
    assert await asyncio.wait_for(rung, 5) == "the next"


async def test_alarms_that_were_put_off_are_forgotten_with_what_they_hold():
    class Held:
        def ring(self):
            raise AssertionError

    loop = asyncio.get_running_loop()
    held = [Held() for _ in range(1000)]
    gone = [weakref.ref(one) for one in held]
    alarms = [set_alarm(loop, loop.time() + 3600, one.ring) for one in held]
    bell = alarms[0]._bell
    for alarm in alarms:
        alarm.cancel()
    held.clear()
    gc.collect()
    assert [one() for one in gone if one() is not None] == []
    assert len(bell.alarms) < 200


def test_every_loop_has_alarms_of_its_own():
    async def wait():
        loop = asyncio.get_running_loop()
        rung = loop.create_future()
        left = set_alarm(loop, loop.time() + 3600, lambda: None)  # nobody puts it off before the loop ends
        set_alarm(loop, loop.time(), lambda: rung.set_result("rung"))
        assert left.is_alive
        return await asyncio.wait_for(rung, 5)

    assert [asyncio.run(wait()) for _ in range(3)] == ["rung"] * 3


# Limits ------------------------------------------------------------------------------------------------------------


async def test_a_limit_ends_what_takes_too_long():
    limit = Limit(asyncio.get_running_loop().time() + 0.001)
    with pytest.raises(TimeoutError):
        async with limit:
            await asyncio.sleep(60)
    assert limit.expired
    assert not asyncio.current_task().cancelling()


@pytest.mark.parametrize("seconds", [None, 3600])
async def test_a_limit_does_not_touch_what_ends_in_time(seconds):
    async with Limit(None if seconds is None else asyncio.get_running_loop().time() + seconds) as limit:
        await asyncio.sleep(0)
    assert not limit.expired


async def test_the_callers_own_cancellation_goes_through_a_limit():
    async def bounded():
        async with Limit(asyncio.get_running_loop().time() + 3600):
            await asyncio.sleep(60)

    task = asyncio.create_task(bounded())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_beside_the_limits_own_is_not_swallowed():
    async def bounded():
        loop = asyncio.get_running_loop()
        async with Limit(loop.time()):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                task.cancel()  # the caller's, while the limit's own is under way
                raise

    task = asyncio.create_task(bounded())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_body_is_told_though_the_time_ran_out():
    async def failing():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            message = "the body's own"
            raise ValueError(message) from None

    async def bounded():
        async with Limit(asyncio.get_running_loop().time()):
            await failing()

    with pytest.raises(ValueError, match="the body's own"):
        await bounded()


async def test_limits_may_stand_inside_each_other():
    now = asyncio.get_running_loop().time()
    async with Limit(now + 3600) as outer:
        with pytest.raises(TimeoutError):
            async with Limit(now + 0.001):
                await asyncio.sleep(60)
    assert not outer.expired


async def test_a_body_that_ends_in_the_grace_of_its_limit_has_ended_in_time():
    loop = asyncio.get_running_loop()
    async with Limit(loop.time()) as limit:
        for _ in range(GRACE_TURNS - 1):
            await asyncio.sleep(0)
    for _ in range(GRACE_TURNS):
        await asyncio.sleep(0)
    assert not limit.expired
    assert not asyncio.current_task().cancelling()
