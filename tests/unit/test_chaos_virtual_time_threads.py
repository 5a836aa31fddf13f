"""Virtual time in several threads: one clock, no deadlock, and time goes on when all who make calls wait."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from unit.waits import real_waits

from pytest_aosfarm.chaos import timeline
from pytest_aosfarm.chaos.virtual_time import VirtualClock, virtual_time


def start(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    return threads


def join(threads):
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_every_thread_reads_the_same_clock():
    with virtual_time(VirtualClock()), ThreadPoolExecutor(1) as pool:
        before = pool.submit(time.monotonic).result()
        time.sleep(600)
        assert 600 <= pool.submit(time.monotonic).result() - before < 660


def test_a_thread_that_makes_no_calls_sleeps_really():
    """It may be the heartbeat of something that has nothing to do with the test, and would never come to rest."""
    with real_waits() as waits, virtual_time(VirtualClock()) as clock:
        join(start(lambda: time.sleep(0.02)))
    assert waits == [0.02]
    assert clock.recorded_us() == 0


def test_a_thread_that_makes_calls_sleeps_in_virtual_time():
    def calls():
        clock.adopt_thread()
        time.sleep(600)

    with real_waits() as waits, virtual_time(VirtualClock()) as clock:
        join(start(calls))
    assert waits == []
    assert clock.recorded_us() == 600_000_000


def test_threads_that_wait_together_end_in_order(monkeypatch):
    """All five are known and wait before the first goes on, so the result does not depend on who is faster."""
    monkeypatch.setattr(timeline, "GRACE_SECONDS", 30)
    ended: list[int] = []
    ready = threading.Barrier(5)

    def sleeps(seconds):
        clock.adopt_thread()
        clock.line.give_up({threading.main_thread()})
        ready.wait()
        for _ in range(2):
            time.sleep(seconds)
        ended.append(seconds)
        clock.line.leave()  # or the others would give it the whole time that is set above

    with virtual_time(VirtualClock()) as clock:
        threads = start(*(lambda seconds=seconds: sleeps(seconds) for seconds in (5, 3, 1, 4, 2)))
        join(threads)
    assert ended == [1, 2, 3, 4, 5]
    assert clock.recorded_us() == 10_000_000


def test_a_thread_that_is_blocked_stops_nobody():
    free, blocked = threading.Event(), threading.Event()

    def blocks():
        clock.adopt_thread()
        blocked.set()
        free.wait(30)

    with virtual_time(VirtualClock()) as clock:
        threads = start(blocks)
        blocked.wait(30)
        for _ in range(1_000):
            time.sleep(1)
        free.set()
        join(threads)
    assert clock.recorded_us() == 1_000_000_000


def test_threads_that_have_ended_are_forgotten():
    with real_waits() as waits, virtual_time(VirtualClock()) as clock:
        for _ in range(5):
            join(start(clock.adopt_thread))
        with clock.line.changed:
            assert clock.line.busy() == set()
        time.sleep(600)
    assert waits == []
    assert clock.recorded_us() == 600_000_000


def test_a_call_of_another_thread_is_not_jumped_over():
    """A sleep beside a real call lasts until the call has ended, and skips only the rest."""
    began, end = threading.Event(), threading.Event()

    def calls():
        clock.io_begins()
        began.set()
        end.wait(30)
        clock.io_ends()

    def ends():
        true_sleep(0.03)
        end.set()

    true_sleep = time.sleep
    with virtual_time(VirtualClock()) as clock:
        threads = start(calls)
        began.wait(30)
        clock.fault_injected()
        threads += start(ends)
        time.sleep(600)
        join(threads)
    assert clock.recorded_us() <= 600_000_000 - 20_000


def test_a_loop_goes_on_when_the_call_of_another_thread_has_ended():
    async def main():
        clock.adopt_running_loop()
        clock.fault_injected()
        timer = threading.Timer(0.03, clock.io_ends)
        clock.io_begins()
        timer.start()
        await clock.asleep(30)

    with virtual_time(VirtualClock()) as clock:
        asyncio.run(main())
    assert 20_000_000 < clock.recorded_us() <= 30_000_000


def test_a_thread_left_behind_is_let_go():
    def sleeps():
        clock.adopt_thread()
        started.set()
        clock.sleep(600)

    started = threading.Event()
    with virtual_time(VirtualClock()) as clock:
        threads = start(sleeps)
        started.wait(30)
    join(threads)


def test_loops_in_threads_share_the_time():
    def runs(seconds):
        async def main():
            clock.adopt_running_loop()
            both.wait()
            await asyncio.sleep(seconds)
            return clock.recorded_us()

        return asyncio.run(main())

    both = threading.Barrier(2)
    with virtual_time(VirtualClock()) as clock, ThreadPoolExecutor(2) as pool:
        ends = sorted(pool.map(runs, (1, 2)))
    assert 500_000 < ends[0] < ends[1] <= 3_000_000, "1 and 2 s; more when one had already gone on before the other began"
