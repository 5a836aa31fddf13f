"""Virtual time in code that is not async: nothing sleeps, every clock agrees, and all is as it was afterwards."""

from __future__ import annotations

import asyncio
import sys
import time
import types
from contextlib import suppress
from datetime import timedelta
from time import sleep as sleep_by_name

import httpx
import pytest
import stamina
import tenacity
from unit.waits import real_waits

from pytest_aosfarm.chaos.virtual_time import VirtualClock, virtual_time
from pytest_aosfarm.errors import ChaosTimeError, FarmError

FUNCTIONS = ("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep", "time", "time_ns")
ME = sys.modules[__name__]


@pytest.fixture
def clock():
    """A clock in force, in a test that fails when something really waits."""
    with real_waits() as waits, virtual_time(VirtualClock()) as clock:
        yield clock
    assert not waits


def replaced():
    return [getattr(time, name) for name in FUNCTIONS] + [asyncio.sleep, asyncio.tasks.sleep]


def test_a_sleep_moves_every_clock_by_itself_and_costs_nothing(clock):
    before = [getattr(time, name)() for name in FUNCTIONS if name != "sleep"]
    now, wall = clock.now(), clock.wall()
    time.sleep(600)
    after = [getattr(time, name)() for name in FUNCTIONS if name != "sleep"]
    moved = [(late - early) / (1e9 if isinstance(late, int) else 1) for early, late in zip(before, after, strict=True)]
    assert all(seconds >= 600 for seconds in [*moved, clock.now() - now, clock.wall() - wall])
    assert clock.recorded_us() == 600_000_000


def test_what_is_injected_is_waited_for_in_the_same_time(clock):
    began = time.monotonic()
    clock.sleep(6)
    time.sleep(0.25)
    assert time.monotonic() - began >= 6.25
    assert clock.recorded_us() == 6_250_000


def test_real_work_takes_its_real_time(clock):
    began = time.perf_counter()
    sum(range(100_000))
    assert time.perf_counter() > began
    assert clock.recorded_us() == 0


def test_ten_thousand_sleeps_add_up_exactly(clock):
    for _ in range(10_000):
        time.sleep(0.001)
    assert clock.recorded_us() == 10_000_000


@pytest.mark.parametrize("seconds", [-1, "1", None, float("nan")])
def test_a_sleep_refuses_what_it_always_refused(clock, seconds):
    with pytest.raises((TypeError, ValueError)):
        time.sleep(seconds)
    assert clock.recorded_us() == 0


def test_the_back_off_of_tenacity(clock):
    attempts = []

    @tenacity.retry(wait=tenacity.wait_exponential(), stop=tenacity.stop_after_attempt(6))
    def call():
        attempts.append(clock.recorded_us())
        raise OSError

    with pytest.raises(tenacity.RetryError):
        call()
    assert attempts == [0, 1_000_000, 3_000_000, 7_000_000, 15_000_000, 31_000_000]


def test_the_time_limit_of_tenacity(clock):
    @tenacity.retry(wait=tenacity.wait_fixed(4), stop=tenacity.stop_after_delay(10))
    def call():
        raise OSError

    with pytest.raises(tenacity.RetryError):
        call()
    assert clock.recorded_us() == 12_000_000


def test_the_back_off_of_stamina(clock):
    attempts = []

    @stamina.retry(on=OSError, attempts=5, timeout=None, wait_initial=1, wait_max=60, wait_jitter=0)
    def call():
        attempts.append(clock.recorded_us())
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011
        call()
    assert attempts == [0, 1_000_000, 3_000_000, 7_000_000, 15_000_000]


def test_elapsed_has_the_injected_delay(clock):
    def reply(request):
        clock.sleep(6)
        return httpx.Response(200, stream=httpx.ByteStream(b"1"))

    with httpx.Client(transport=httpx.MockTransport(reply)) as client:
        response = client.get("http://module.test/")
    assert timedelta(seconds=6) <= response.elapsed


def test_everything_is_as_it_was():
    before = replaced()
    with virtual_time(VirtualClock()):
        assert all(now is not then for now, then in zip(replaced(), before, strict=True))
    assert all(now is then for now, then in zip(replaced(), before, strict=True))


def test_everything_is_as_it_was_after_an_exception():
    before = replaced()
    with pytest.raises(KeyError), virtual_time(VirtualClock()):
        raise KeyError
    assert all(now is then for now, then in zip(replaced(), before, strict=True))


def test_an_inner_block_shares_the_time(clock):
    time.sleep(10)
    before = replaced()
    with virtual_time(VirtualClock()) as inner:
        time.sleep(1)
        inner.sleep(2)
    assert replaced() == before
    time.sleep(4)
    assert (clock.recorded_us(), inner.recorded_us()) == (17_000_000, 7_000_000)


def test_what_was_replaced_before_is_below_and_comes_back(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1_000.0)
    with virtual_time(VirtualClock()):
        time.sleep(5)
        assert time.time() == 1_005
    assert time.time() == 1_000


def test_what_is_replaced_within_and_never_put_back_stays(monkeypatch):
    monkeypatch.setattr(time, "time", time.time)  # puts all back in the end
    with virtual_time(VirtualClock()):
        monkeypatch.setattr(time, "time", lambda: 1_000.0)
    assert time.time() == 1_000


def test_a_name_taken_within_is_real_afterwards_and_virtual_the_next_time():
    with virtual_time(VirtualClock()):
        taken = time.sleep
    with real_waits() as waits:
        taken(0.011)
        assert waits == []  # it sleeps with the function that was found at the last entry
        with virtual_time(VirtualClock()) as clock:
            taken(600)
    assert clock.recorded_us() == 600_000_000


def test_a_name_taken_before_is_covered_when_its_module_is_named():
    with virtual_time(VirtualClock(), also=[ME]) as clock:
        sleep_by_name(600)
        assert clock.recorded_us() == 600_000_000
    assert sleep_by_name is time.sleep


def test_a_name_taken_of_what_was_replaced_before_is_covered_as_well():
    module = types.ModuleType("module")
    with real_waits() as waits:
        exec("from time import sleep as pause", vars(module))
        with virtual_time(VirtualClock(), also=[module]):
            module.pause(600)
        assert module.pause is time.sleep
    assert waits == []


def test_a_module_can_be_given_by_its_name():
    with virtual_time(VirtualClock(), also=[__name__]) as clock:
        sleep_by_name(1)
        with virtual_time(VirtualClock(), also=[ME]):
            sleep_by_name(1)
    assert clock.recorded_us() == 2_000_000
    assert sleep_by_name is time.sleep


def test_a_class_can_keep_a_clock_as_an_attribute(clock):
    kept = type("Kept", (), {"sleep": time.sleep})
    kept().sleep(3)
    assert clock.recorded_us() == 3_000_000


@pytest.mark.parametrize("name", ["hypothesis.core", "_pytest.runner", "pytest_aosfarm.recording.attempts", "filelock._api"])
def test_what_runs_the_tests_keeps_real_time(clock, name):
    module = types.ModuleType(name)
    exec("import time\ndef read(): return time.monotonic()", vars(module))
    before = module.read()
    time.sleep(600)
    assert module.read() - before < 600


def test_suites_of_the_farm_do_not(clock):
    module = types.ModuleType("pytest_aosfarm.labs.aod.test_x")
    exec("import time\ndef read(): return time.monotonic()", vars(module))
    before = module.read()
    time.sleep(600)
    assert module.read() - before >= 600


def test_a_foreign_socket_is_refused(clock):
    with pytest.raises(ChaosTimeError) as caught:
        clock.over_real_socket("https://bank.example")
    for part in ("https://bank.example", "--farm-chaos-time=real", "forced"):
        assert part in str(caught.value)
    assert isinstance(caught.value, FarmError)


@pytest.mark.parametrize("told", ["real_socket", "over_real_socket"])
def test_sleeps_are_real_once_a_foreign_socket_was_seen(told):
    with real_waits() as waits, virtual_time(VirtualClock()) as clock:
        time.sleep(600)
        with suppress(ChaosTimeError):
            getattr(clock, told)("https://bank.example")
        time.sleep(0.011)
    assert waits == [0.011]
    assert clock.recorded_us() == 600_000_000


def test_forced_takes_any_socket():
    with real_waits() as waits, virtual_time(VirtualClock(forced=True)) as clock:
        clock.real_socket("https://bank.example")
        clock.over_real_socket("https://bank.example")
        time.sleep(600)
    assert waits == []


def test_a_poll_for_something_real_waits_really_and_a_back_off_does_not():
    with real_waits() as waits, virtual_time(VirtualClock()) as clock:
        clock.io_begins()
        clock.io_ends()
        time.sleep(0.011)
        clock.fault_injected()
        time.sleep(600)
        clock.sleep(6)
        clock.io_begins()
        clock.io_ends()
        time.sleep(0.012)
    assert waits == [0.011, 0.012]
    assert clock.recorded_us() == 606_000_000
