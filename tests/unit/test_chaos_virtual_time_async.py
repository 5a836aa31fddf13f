"""Virtual time in async code: order, timeouts and cancellation are those of the nominal times, whatever the code uses."""

from __future__ import annotations

import asyncio
import threading
import time

import anyio
import httpx
import pytest
import stamina
import tenacity
from hypothesis import given
from hypothesis import strategies as st
from unit.waits import real_waits

from pytest_aosfarm.chaos import timeline
from pytest_aosfarm.chaos.virtual_time import VirtualClock, virtual_time
from pytest_aosfarm.errors import ChaosTimeError


def run(main):
    """Run `main(clock)` in virtual time, in a loop of its own; fail if something really waits."""
    with real_waits() as waits, virtual_time(VirtualClock()) as clock:

        async def begin():
            clock.adopt_running_loop()
            return await main(clock)

        result = asyncio.run(begin())
    assert not waits
    return result


def elapsed(main):
    """Microseconds of virtual time that `main(clock)` takes."""

    async def measured(clock):
        loop = asyncio.get_running_loop()
        began = loop.time()
        await main(clock)
        return round((loop.time() - began) * 1e6)

    return run(measured)


async def wait_for(clock):
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(clock.asleep(6), 3)


async def asyncio_timeout(clock):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3):
            await clock.asleep(6)


async def asyncio_wait(clock):
    done, pending = await asyncio.wait([asyncio.create_task(clock.asleep(6))], timeout=3)
    assert not done
    for task in pending:
        task.cancel()


async def move_on_after(clock):
    with anyio.move_on_after(3) as scope:
        await clock.asleep(6)
    assert scope.cancelled_caught


async def fail_after(clock):
    with pytest.raises(TimeoutError), anyio.fail_after(3):
        await clock.asleep(6)


async def inner_of_two(clock):
    async with asyncio.timeout(30):
        await asyncio_timeout(clock)


async def future_without_anybody(clock):
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.get_running_loop().create_future(), 3)


@pytest.mark.parametrize(
    "block", [wait_for, asyncio_timeout, asyncio_wait, move_on_after, fail_after, inner_of_two, future_without_anybody]
)
def test_a_timeout_of_3_s_around_6_s_takes_3_s(block):
    assert elapsed(block) == 3_000_000


async def just_in_time(clock):
    async with asyncio.timeout(3.001):
        await clock.asleep(3)


def test_a_timeout_is_kept_to_a_millisecond():
    assert elapsed(just_in_time) == 3_000_000


async def gather(clock):
    await asyncio.gather(clock.asleep(1), asyncio.sleep(2), anyio.sleep(1.5))


async def one_after_another(clock):
    for _ in range(100):
        await clock.asleep(6)


async def nothing(clock):
    await asyncio.sleep(0)
    await asyncio.sleep(-1)


async def in_a_thread(clock):
    await asyncio.to_thread(time.sleep, 600)


async def in_a_thread_of_anyio(clock):
    await anyio.to_thread.run_sync(time.sleep, 600)


async def in_threads_and_beside(clock):
    await asyncio.gather(*(asyncio.to_thread(time.sleep, seconds) for seconds in (5, 2)), asyncio.sleep(3))


async def called_later(clock):
    loop, called = asyncio.get_running_loop(), asyncio.Event()
    loop.call_later(600, called.set)
    await called.wait()


@pytest.mark.parametrize(
    ("block", "seconds"),
    [(gather, 2), (one_after_another, 600), (nothing, 0), (called_later, 600)],
)
def test_what_is_waited_for_together_takes_as_long_as_the_longest(block, seconds):
    assert elapsed(block) == seconds * 1_000_000


@pytest.mark.parametrize(("block", "seconds"), [(in_a_thread, 600), (in_a_thread_of_anyio, 600), (in_threads_and_beside, 5)])
def test_threads_of_a_loop_sleep_in_its_time(block, seconds, monkeypatch):
    """The loop really waits for threads, so real time has a part in it, and nothing sleeps for as long as it says."""
    monkeypatch.setattr(timeline, "GRACE_SECONDS", 10)  # for a machine that does not get to the loop in time
    with virtual_time(VirtualClock()) as clock:

        async def main():
            clock.adopt_running_loop()
            began = asyncio.get_running_loop().time()
            await block(clock)
            return asyncio.get_running_loop().time() - began

        assert asyncio.run(main()) >= seconds
    assert clock.recorded_us() == pytest.approx(seconds * 1e6, rel=0.5)


def test_work_in_a_thread_is_not_jumped_over():
    async def main():
        clock.adopt_running_loop()
        await asyncio.wait_for(asyncio.to_thread(true_sleep, 0.05), 30)
        await asyncio.wait_for(anyio.to_thread.run_sync(true_sleep, 0.05), 30)

    true_sleep = time.sleep
    with virtual_time(VirtualClock()) as clock:
        asyncio.run(main())
    assert clock.recorded_us() == 0


def test_the_order_of_what_ends_is_the_nominal_one():
    async def main(clock):
        ended = []

        async def one(name, *sleeps):
            for seconds in sleeps:
                await asyncio.sleep(seconds)
            ended.append(name)

        await asyncio.gather(one("c", *[0.001] * 1001), one("b", 1.0005), one("a", 1), one("d", 1.0015))
        return ended

    assert run(main) == ["a", "b", "c", "d"]


def test_a_cancelled_wait_moves_nothing():
    async def main(clock):
        task = asyncio.create_task(clock.asleep(600))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return clock.recorded_us(), clock.line.jumps()

    assert run(main) == (1_000_000, True)


def test_the_back_off_of_tenacity():
    async def main(clock):
        attempts = []

        @tenacity.retry(wait=tenacity.wait_exponential(), stop=tenacity.stop_after_attempt(6))
        async def call():
            attempts.append(clock.recorded_us())
            raise OSError

        with pytest.raises(tenacity.RetryError):
            await call()
        return attempts

    assert run(main) == [0, 1_000_000, 3_000_000, 7_000_000, 15_000_000, 31_000_000]


def test_the_back_off_of_stamina():
    async def main(clock):
        attempts = []

        @stamina.retry(on=OSError, attempts=5, timeout=None, wait_initial=1, wait_max=60, wait_jitter=0)
        async def call():
            attempts.append(clock.recorded_us())
            raise OSError

        with pytest.raises(OSError):  # noqa: PT011
            await call()
        return attempts

    assert run(main) == [0, 1_000_000, 3_000_000, 7_000_000, 15_000_000]


def test_a_mocked_call_and_its_elapsed_time():
    async def main(clock):
        async def reply(request):
            await clock.asleep(6)
            return httpx.Response(200, stream=httpx.ByteStream(b"1"))

        async with httpx.AsyncClient(transport=httpx.MockTransport(reply)) as client:
            responses = await asyncio.gather(*(client.get("http://module.test/") for _ in range(20)))
        return [response.elapsed.total_seconds() for response in responses], clock.recorded_us()

    each, in_all = run(main)
    assert all(seconds >= 6 for seconds in each)
    assert in_all == 6_000_000


def test_a_loop_that_is_only_seen_late_goes_on_from_where_it_is():
    async def main():
        loop = asyncio.get_running_loop()
        before = loop.time()
        async with asyncio.timeout(3) as limit:
            await asyncio.sleep(0)
            clock.adopt_running_loop()
            assert 0 <= loop.time() - before < 3
            with pytest.raises(asyncio.CancelledError):
                await clock.asleep(6)
            raise asyncio.CancelledError
        assert limit.expired()

    with virtual_time(VirtualClock()) as clock, pytest.raises(TimeoutError):
        asyncio.run(main())


def test_who_waits_without_sleeping_gets_there():
    async def main(clock):
        loop = asyncio.get_running_loop()
        until = loop.time() + 0.02
        while loop.time() < until:  # noqa: ASYNC110 - this is about those who do
            await asyncio.sleep(0)

    run(main)


def test_nobody_jumps_to_a_timer_that_is_forever_away():
    """A thread that no loop knows of ends the wait, as a signal may, or a server's request."""

    async def main():
        clock.adopt_running_loop()
        loop, heard, rest = asyncio.get_running_loop(), asyncio.Event(), asyncio.create_task(asyncio.sleep(float("inf")))
        threading.Timer(0.02, loop.call_soon_threadsafe, (heard.set,)).start()
        await heard.wait()
        rest.cancel()

    with virtual_time(VirtualClock()) as clock:
        asyncio.run(main())
    assert clock.recorded_us() == 0


def test_threads_of_a_loop_and_the_loop_end_in_order(monkeypatch):
    monkeypatch.setattr(timeline, "GRACE_SECONDS", 10)  # for a machine that does not get to the loop in time
    ended: list[str] = []

    async def main():
        async def ends(name, waiting):
            await waiting
            ended.append(name)

        clock.adopt_running_loop()
        await asyncio.gather(
            ends("slow thread", asyncio.to_thread(time.sleep, 500)),
            ends("loop", asyncio.sleep(300)),
            ends("fast thread", asyncio.to_thread(time.sleep, 200)),
        )

    with virtual_time(VirtualClock()) as clock:
        asyncio.run(main())
    assert ended == ["fast thread", "loop", "slow thread"]


def test_a_thread_that_nobody_waits_for_any_more_is_no_work():
    async def main():
        clock.adopt_running_loop()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(time.sleep, 600), 3)

    with real_waits() as waits, virtual_time(VirtualClock()) as clock:
        asyncio.run(main())
        del waits[:]  # what the loop asked for while the thread began
        time.sleep(1)
        assert clock.line.now() < 700e9
        assert not clock.line.works()
    assert waits == []


def test_a_clock_that_is_not_in_force_says_so():
    with pytest.raises(ChaosTimeError, match="with virtual_time"):
        asyncio.run(VirtualClock().asleep(1))
    with virtual_time(VirtualClock()), pytest.raises(ChaosTimeError, match="with virtual_time"):
        asyncio.run(VirtualClock().asleep(1))


plans = st.lists(
    st.tuples(st.lists(st.integers(0, 5_000), max_size=5), st.none() | st.integers(1, 8_000)), min_size=1, max_size=6
)
"""Tasks: milliseconds that they sleep, one after another, and a timeout around all of it."""


@given(plans)
def test_tasks_end_when_a_simulation_says(plan):
    async def main(clock):
        loop = asyncio.get_running_loop()
        began = loop.time()

        async def task(sleeps, limit):
            try:
                async with asyncio.timeout(None if limit is None else (limit + 0.5) / 1000):
                    for one in sleeps:
                        await asyncio.sleep(one / 1000)
            except TimeoutError:
                return "late", round((loop.time() - began) * 1000, 3)
            return "done", round((loop.time() - began) * 1000, 3)

        return await asyncio.gather(*(task(*one) for one in plan))

    expected = []
    for sleeps, limit in plan:
        late = limit is not None and sum(sleeps) > limit + 0.5
        expected.append(("late", limit + 0.5) if late else ("done", sum(sleeps)))
    assert run(main) == expected
