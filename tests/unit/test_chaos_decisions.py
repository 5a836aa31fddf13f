"""Whether a call is hit depends on who calls what, and on nothing else."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.chaos.calls import CallKey
from pytest_aosfarm.chaos.clock import RealClock
from pytest_aosfarm.chaos.draws import FaultDraws, rule_draws
from pytest_aosfarm.chaos.handle import Chaos
from pytest_aosfarm.chaos.keys import steady
from pytest_aosfarm.chaos.policy import DRAWS, Policy, Rule, rule_of

CALLS = [(method, f"/{what}/{number}") for method, what, number in product(("GET", "POST"), ("orders", "bills"), range(10))]


def answer(_):
    return httpx.Response(200, json={"ok": True})


def client_of(chaos, module="shop"):
    return chaos.wrap(httpx.Client(transport=httpx.MockTransport(answer), base_url="http://shop.test"), module)


def log_of(calls, *, rules, test="a::test", seed=7, repeat=1):
    chaos = Chaos(seed, RealClock)
    with client_of(chaos) as client:
        chaos.begin(test, Policy(rules=tuple(rules)))
        for method, path in calls * repeat:
            client.request(method, path)
        return chaos.log


def call_of(line):
    return tuple(json.loads(line)[1:3])


def half(module="shop", **options):
    return rule_of((module,), "503", rate=0.5, **options)


def test_the_log_does_not_depend_on_the_order_of_calls():
    shuffled = random.Random(3).sample(CALLS, len(CALLS))

    assert log_of(CALLS, rules=[half()]) == log_of(shuffled, rules=[half()])
    assert 5 < log_of(CALLS, rules=[half()]).count("\n") < 35


@pytest.mark.parametrize("other", [{"seed": 8}, {"test": "a::other"}])
def test_another_seed_or_test_is_hit_elsewhere(other):
    assert log_of(CALLS, rules=[half()]) != log_of(CALLS, rules=[half()], **other)


def test_a_call_more_does_not_move_the_faults_of_the_others():
    before = log_of(CALLS, rules=[half()]).splitlines()
    after = log_of([("GET", "/news"), *CALLS], rules=[half()]).splitlines()

    assert [line for line in after if "/news" not in line] == before


def test_a_rule_more_takes_calls_but_leaves_the_draws_of_the_others():
    alone = log_of(CALLS, rules=[half(id="a")]).splitlines()
    other = rule_of(("shop",), "502", rate=0.3, id="b")
    both = log_of(CALLS, rules=[other, half(id="a")]).splitlines()
    taken = {call_of(line) for line in both if '"b"' in line}

    assert 2 < len(taken) < 30
    assert [line for line in both if '"b"' not in line] == [line for line in alone if call_of(line) not in taken]


def test_a_higher_rate_only_adds_faults():
    few, many = (log_of(CALLS, rules=[rule_of(("shop",), "503", rate=rate, id="r")]).splitlines() for rate in (0.2, 0.6))

    assert set(few) < set(many)


def test_retries_of_a_call_are_drawn_each_for_itself():
    lines = log_of([("GET", "/orders/1")], rules=[half()], repeat=200).count("\n")

    assert 60 < lines < 140


def test_ids_that_are_new_in_every_run_do_not_matter():
    def calls(token):
        return [("GET", f"/runs/{token}-0000-4000-8000-000000000000/assets?since=20{token[:2]}-01-01T00:00:00Z")]

    assert log_of(calls("12345678"), rules=[half()], repeat=20) == log_of(calls("98765432"), rules=[half()], repeat=20)


def test_another_process_and_hash_seed_gives_the_same_log():
    program = "import test_chaos_decisions as t; print(t.log_of(t.CALLS, rules=[t.half()]))"
    environment = {**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)

    assert done.stdout == log_of(CALLS, rules=[half()]) + "\n"


def test_different_calls_in_threads_are_hit_as_in_one():
    chaos = Chaos(7, RealClock)
    with client_of(chaos) as client:
        chaos.begin("a::test", Policy(rules=(half(),)))
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda call: client.request(*call), CALLS))
        assert chaos.log == log_of(CALLS, rules=[half()])
        assert not any(call.racy for call in chaos.calls)


def test_identical_calls_in_threads_are_marked_racy_and_lanes_tell_them_apart():
    def log(*, lanes):
        chaos = Chaos(7, RealClock)

        def work(number):
            with chaos.lane(str(number) if lanes else ""):
                for _ in range(5):
                    client.get("/orders/1")

        with client_of(chaos) as client:
            chaos.begin("a::test", Policy(rules=(half(),)))
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(work, range(8)))
            return chaos.log, any(call.racy for call in chaos.calls)

    assert log(lanes=False)[1]
    assert log(lanes=True) == log(lanes=True)
    assert not log(lanes=True)[1]


@given(st.text(), st.text(), st.text(), st.text(), st.text(), st.integers(1, 10**6))
def test_parts_of_a_key_do_not_run_into_each_other(module, method, path, digest, lane, ordinal):
    draw = rule_draws(1, "test", "rule")
    key = CallKey(module, method, path, digest, lane)
    moved = CallKey(module + method, "", path, digest, lane)

    assert (draw(key, ordinal) == draw(moved, ordinal)) == (key == moved)


def test_draws_are_even():
    draw = rule_draws(1, "test", "rule")
    drawn = [int.from_bytes(draw(CallKey("m", "GET", f"/{n}"), 1)) for n in range(20_000)]
    below = [sum(one < DRAWS * tenth // 10 for one in drawn) for tenth in range(11)]

    assert all(abs(count - 2_000 * tenth) < 300 for tenth, count in enumerate(below))


def test_labels_of_a_fault_draw_apart():
    draws = FaultDraws(b"12345678")

    assert draws.bits("a") == draws.bits("a") != draws.bits("b")
    assert {draws.below(str(n), 3) for n in range(50)} == {0, 1, 2}


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("/orders/42", "/orders/42"),
        ("/runs/0f8fad5b-d9cb-469f-a165-70867728950e/x", "/runs/~/x"),
        ("/runs/run_0f8fad5bd9cb469f", "/runs/run_~"),
        ("at=2026-01-15T12:00:00.5+00:00&n=3", "at=~&n=3"),
        ("at=2026-01-15T12%3A00%3A00.5%2B00%3A00&n=3", "at=~&n=3"),
        ("at=2026-01-15+12%3A00%3A00&n=3", "at=~&n=3"),
        ("from=2026-01-15T12:00Z%2C2026-01-16T12%3a00Z", "from=~%2C~"),
        ("at=1768478400&n=3", "at=~&n=3"),
        ("/dashboard/deadbeef", "/dashboard/deadbeef"),
    ],
)
def test_what_is_new_every_time_is_left_out(text, seen):
    assert steady(text.encode()).decode() == seen


def test_the_name_of_a_rule_is_made_of_what_it_is_for():
    assert half(route="POST /charge").name == "503 shop POST /charge"
    assert Rule(faults=("503", "read_timeout")).name == "503|read_timeout"
    assert [name for name, _ in Policy(rules=(half(), half())).named_rules] == ["503 shop", "503 shop #2"]


def test_calls_that_nothing_can_hit_are_named_when_somebody_asks():
    def calls_with(*rules):
        chaos = Chaos(7, RealClock)
        with client_of(chaos) as client:
            chaos.begin("a::test", Policy(rules=rules))
            for number in (1, 2, 1):
                client.get(f"/orders/{number}", params={"page": 3})
            client.post("/orders", json={"n": 1})
            return [(call.number, call.key, call.ordinal, call.status) for call in chaos.calls]

    assert calls_with() == calls_with(rule_of(("shop",), "503", rate=0)) == calls_with(rule_of(("other",), "503"))
    assert [ordinal for _, _, ordinal, _ in calls_with()] == [1, 1, 2, 1]


def test_a_rule_that_comes_later_counts_the_calls_before_it():
    chaos = Chaos(7, RealClock)
    with client_of(chaos) as client:
        chaos.begin("a::test", None)
        client.get("/orders/1")
        with chaos.on("shop", fault="503", ordinals=(2,)):
            assert client.get("/orders/1").status_code == 503
        assert client.get("/orders/1").status_code == 200
        assert [call.ordinal for call in chaos.calls] == [1, 2, 3]


def test_calls_keep_their_order_when_a_test_begins_to_be_watched():
    chaos = Chaos(7, RealClock)
    with client_of(chaos) as client:
        chaos.begin("a::test", None)
        client.get("/orders/1")
        with chaos.steady_state(lambda: True, every="1h"):
            client.get("/orders/1")
        assert [(call.number, call.ordinal) for call in chaos.calls] == [(1, 1), (2, 2)]


@pytest.mark.parametrize("target", ["/", "/a?page=2&since=2024-01-01T00:00:00Z", "/straße/%2F?q=a%20b", "?", "//x?a?b"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_call_that_no_rule_can_hit_has_the_name_it_has_when_one_can(method, target):
    chaos = Chaos(7, RealClock)
    keys = []
    for rate in (0, 1e-12):
        with client_of(chaos) as client:
            chaos.begin("a::test", Policy(rules=(rule_of(("shop",), "503", rate=rate),)))
            client.request(method, target)
            client.request(method, target, extensions={"aosfarm.module": "other", "aosfarm.tenant": "acme"})
            keys.append([(call.key, call.ordinal) for call in chaos.calls])
            chaos.end()
    assert keys[0] == keys[1]
    assert {key.module for key, _ in keys[0]} == {"shop", "other"}
