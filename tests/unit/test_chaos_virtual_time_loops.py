"""Which event loops virtual time can move, what it looks at in them, and that it leaves them as they were."""

from __future__ import annotations

import asyncio
import selectors
import subprocess
import sys
import time

import pytest
from unit.waits import real_waits

from pytest_aosfarm.chaos.clock import RealClock
from pytest_aosfarm.chaos.virtual_time import VirtualClock, virtual_time
from pytest_aosfarm.errors import ChaosTimeError


@pytest.fixture
def loop():
    """A loop that outlives what is done in it, as a session-wide one does."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def attributes(loop):
    """What of a loop is its own and not its class's, of what virtual time sets."""
    names = ("time", "run_in_executor", "shutdown_default_executor", "subprocess_exec", "subprocess_shell")
    return [name for name in names if name in vars(loop)] + [name for name in ("select",) if name in vars(loop._selector)]


def test_the_private_names_of_asyncio_are_there(loop, monkeypatch):
    """When this fails, Python has changed where its loops wait, and `chaos/virtual_loop.py` has to look there instead."""
    assert asyncio.SelectorEventLoop in type(loop).__mro__
    assert type(loop).time is asyncio.BaseEventLoop.time, "a loop's clock is BaseEventLoop.time"
    assert isinstance(loop._selector, selectors.BaseSelector), "a loop waits in loop._selector"
    assert len(loop._selector.get_map()) == 1, "of its own it hears the pipe that wakes it, and nothing else"
    handle = loop.call_later(600, print)
    assert loop._scheduled == [handle], "its timers are in loop._scheduled"

    asked = []
    select = loop._selector.select

    def asking(timeout):
        asked.append(timeout)
        return select(0)

    monkeypatch.setattr(loop._selector, "select", asking)
    loop.call_soon(loop.call_soon, loop.stop)
    loop.run_forever()
    assert asked == [0, 0], "it calls select(timeout), with 0 when there is something to do"
    asked.clear()
    loop.call_later(0.02, loop.stop)
    loop.run_forever()
    assert 0 < asked[0] <= 0.02, "and until its first timer when there is not"


class OwnClock(asyncio.SelectorEventLoop):
    def time(self):
        return 1.0


def begin(clock):
    async def main():
        clock.adopt_running_loop()

    return main()


def test_a_loop_with_a_clock_of_its_own_is_refused(monkeypatch):
    loop = OwnClock()
    with virtual_time(VirtualClock()) as clock, pytest.raises(ChaosTimeError, match="OwnClock has a clock of its own"):
        loop.run_until_complete(begin(clock))
    loop.close()


def test_a_loop_that_is_not_asyncios_is_refused(monkeypatch):
    class Foreign:
        """Like uvloop's: nothing of asyncio's own."""

    monkeypatch.setattr(asyncio, "get_running_loop", Foreign)
    with virtual_time(VirtualClock()) as clock, pytest.raises(ChaosTimeError, match="Foreign: it looks for asyncio's own"):
        clock.adopt_running_loop()


def test_async_code_without_a_loop_of_asyncio_is_refused():
    with virtual_time(VirtualClock()) as clock:
        coroutine = clock.asleep(1)
        with pytest.raises(ChaosTimeError, match="trio"):
            coroutine.send(None)


def test_a_loop_without_timers_is_as_it_was(loop):
    before = loop.time()
    for _ in range(2):
        with real_waits() as waits, virtual_time(VirtualClock()) as clock:
            loop.run_until_complete(clock.asleep(600))
        assert waits == []
        assert attributes(loop) == []
        assert before <= loop.time() < before + 600
    real = time.monotonic()
    loop.run_until_complete(asyncio.sleep(0.012))
    assert time.monotonic() - real >= 0.011


def test_a_timer_that_is_left_does_not_move(loop):
    """Whoever waits in a session-wide loop still has as long to wait, though the clocks go back."""
    rung: list[str] = []
    with virtual_time(VirtualClock()) as clock:
        loop.run_until_complete(clock.asleep(1))
        loop.call_later(1_000, rung.append, "rung")
        loop.run_until_complete(clock.asleep(600))
        left = loop._scheduled[0].when() - loop.time()
        assert left == pytest.approx(400, abs=1e-6)
    assert attributes(loop) == ["time"]
    assert 0 <= left - (loop._scheduled[0].when() - loop.time()) < 60
    loop.run_until_complete(asyncio.sleep(0.001))
    assert rung == []
    with virtual_time(VirtualClock()) as clock:
        loop.run_until_complete(clock.asleep(500))
        assert rung == ["rung"]
    assert attributes(loop) == []


def test_a_deadline_that_is_left_stays_due(loop):
    with virtual_time(VirtualClock()) as clock:
        task = loop.create_task(asyncio.wait_for(loop.create_future(), 600.02))
        loop.run_until_complete(clock.asleep(600))
    with pytest.raises(TimeoutError):
        loop.run_until_complete(task)


def test_a_loop_is_as_it_was_after_an_exception(loop):
    async def main():
        await clock.asleep(1)
        raise KeyError

    clock = VirtualClock()
    with pytest.raises(KeyError), virtual_time(clock):
        loop.run_until_complete(main())
    assert attributes(loop) == []


def test_a_block_within_async_code():
    async def main():
        loop = asyncio.get_running_loop()
        with virtual_time(VirtualClock()) as clock:
            await asyncio.sleep(600)
            inside = loop.time()
        assert 0 <= loop.time() - inside < 60, "what runs may have deadlines, so its time goes on from here"
        return clock.recorded_us()

    assert asyncio.run(main()) == 600_000_000


def test_loops_that_were_closed_within_the_block_are_no_trouble():
    with virtual_time(VirtualClock()) as clock:
        for _ in range(3):
            asyncio.run(clock.asleep(600))
    assert clock.recorded_us() == 1_800_000_000


def test_a_real_clock_takes_any_call():
    clock = RealClock()
    clock.adopt_thread()
    clock.adopt_running_loop()
    clock.io_begins()
    clock.io_ends()
    clock.fault_injected()
    clock.real_socket("http://module.test")
    clock.over_real_socket("http://module.test")
    began, recorded, wall = clock.now(), clock.recorded_us(), clock.wall()
    clock.sleep(0.002)
    asyncio.run(clock.asleep(0.002))
    assert clock.now() - began >= 0.004
    assert clock.recorded_us() - recorded >= 4_000
    assert abs(wall - time.time()) < 60


@pytest.mark.parametrize("output", [None, subprocess.PIPE])
def test_a_child_process_is_not_jumped_over(output):
    async def main():
        clock.adopt_running_loop()
        child = await asyncio.create_subprocess_exec(sys.executable, "-Ic", "", stdout=output)
        await asyncio.wait_for(child.communicate(), 60)
        ended = clock.recorded_us()
        await asyncio.sleep(600)
        return ended, clock.recorded_us()

    with virtual_time(VirtualClock()) as clock:
        assert asyncio.run(main()) == (0, 600_000_000)
