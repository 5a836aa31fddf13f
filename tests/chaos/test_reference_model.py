"""Decisions are those of a model written a second time, which looks at each call for itself."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from fnmatch import fnmatchcase
from hashlib import blake2b

import httpx
from chaos.observed import tls
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_examples import examples

from pytest_aosfarm.chaos.clock import RealClock
from pytest_aosfarm.chaos.handle import Chaos
from pytest_aosfarm.chaos.policy import Policy, rule_of

FAULTS = ["503", "404", "reset", "refused", "malformed_json"]
CALLS = st.tuples(
    st.sampled_from(["shop", "bank"]),
    st.sampled_from(["GET", "POST"]),
    st.sampled_from(["/orders", "/orders/1", "/bills"]),
    st.sampled_from(["", "a", "b"]),
    st.sampled_from(["", "left"]),
)
RULES = st.fixed_dictionaries(
    {
        "modules": st.sampled_from([(), ("shop",), ("shop", "bank"), ("b*",)]),
        "faults": st.lists(st.sampled_from(FAULTS), min_size=1, max_size=3, unique=True),
        "id": st.sampled_from(["one", "two", "three"]),
    },
    optional={
        "route": st.sampled_from(["/orders*", "POST *", "GET /bills"]),
        "rate": st.sampled_from([0.0, 0.3, 0.5, 1.0]),
        "first": st.integers(1, 3),
        "every": st.integers(1, 3),
        "ordinals": st.just((2, 4)),
        "body": st.just("a"),
    },
)


def parted(*parts):
    """Texts in one, each with its length in front."""
    return b"".join(len(part).to_bytes(4, "little") + part for part in (text.encode() for text in parts))


def digest_of(body):
    return blake2b(b"\0" + body.encode(), digest_size=8).hexdigest() if body else ""


def expected(test, seed, rules, calls):
    """The lines (call, ordinal, rule, kind of fault) for the calls, in whatever order they are given."""
    names: Counter[str] = Counter()
    named = []
    for rule in rules:
        names[rule["id"]] += 1
        number = names[rule["id"]]
        named.append((rule["id"] if number == 1 else f"{rule['id']} #{number}", rule))
    lines = []
    for call, many in Counter(calls).items():
        module, method, path, body, lane = call
        for ordinal in range(1, many + 1):
            for name, rule in named:
                wanted_method, _, wanted_path = rule.get("route", "*").rpartition(" ")
                start = parted("1", str(seed), test, name) + parted(module, method, path, digest_of(body), lane)
                base = blake2b(start + str(ordinal).encode(), digest_size=8).digest()
                if (
                    any(fnmatchcase(module, glob) for glob in rule["modules"] or ["*"])
                    and fnmatchcase(method, wanted_method or "*")
                    and fnmatchcase(path, wanted_path)
                    and rule.get("body", "") in body
                    and ordinal <= rule.get("first", ordinal)
                    and ordinal % rule.get("every", 1) == 0
                    and ordinal in rule.get("ordinals", [ordinal])
                    and int.from_bytes(base) < int(rule.get("rate", 1.0) * 2**64)
                ):
                    faults = rule["faults"]
                    draw = int.from_bytes(blake2b(base + b"fault", digest_size=8).digest())
                    which = 0 if len(faults) == 1 else draw * len(faults) // 2**64
                    lines.append((call, ordinal, name, faults[which]))
                    break
    return sorted(lines)


def decided(test, seed, rules, calls):
    """The same, of chaos itself."""
    chaos = Chaos(seed, RealClock)
    answer = httpx.MockTransport(lambda _: httpx.Response(200, json={"id": 7}))
    options = [dict(rule) for rule in rules]
    made = tuple(rule_of(one.pop("modules"), one.pop("faults"), **one) for one in options)
    clients = {name: chaos.wrap(httpx.Client(transport=answer, verify=tls()), name) for name in ("shop", "bank")}
    scope = chaos.begin(test, Policy(rules=made), demands=False)
    for module, method, path, body, lane in calls:
        with chaos.lane(lane), suppress(httpx.HTTPError):
            clients[module].request(method, f"http://{module}.test{path}", content=body)
    assert chaos.complaints() == []
    assert [scope.sends, scope.decided, len(chaos.calls)] == [len(calls)] * 3
    bodies = {digest_of(body): body for body in ("", "a", "b")}
    lines = []
    for line in chaos.log.splitlines():
        module, method, path, digest, lane, ordinal, rule, fault, *_ = json.loads(line)
        label = str(fault.get("code", fault["kind"]))
        lines.append(((module, method, path, bodies[digest], lane), ordinal, rule, label))
    return sorted(lines)


@settings(max_examples=examples(40), deadline=None)
@given(
    calls=st.lists(CALLS, max_size=30),
    rules=st.lists(RULES, max_size=4),
    seed=st.integers(0, 2**64),
    test=st.sampled_from(["a::test", "ä::[1]"]),
    order=st.randoms(use_true_random=False),
)
def test_what_is_decided_is_what_the_model_says_in_any_order(calls, rules, seed, test, order):
    wanted = expected(test, seed, rules, calls)
    assert decided(test, seed, rules, calls) == wanted
    order.shuffle(calls)
    assert decided(test, seed, rules, calls) == wanted
