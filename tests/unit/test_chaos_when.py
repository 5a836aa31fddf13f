"""Which calls a rule is for, and when it fires."""

from __future__ import annotations

import httpx
import pytest
from pydantic import ValidationError

from pytest_aosfarm.chaos.handle import Chaos
from pytest_aosfarm.chaos.policy import Policy, When, name_apart, rule_of
from pytest_aosfarm.chaos.presets import PRESETS, policy_of
from pytest_aosfarm.chaos.virtual_time import VirtualClock
from pytest_aosfarm.errors import ConfigurationError


@pytest.fixture
def shop():
    """A function that begins a test with the rules given, and gives (chaos, client)."""
    opened = []

    def begin(*rules):
        chaos = Chaos(1, VirtualClock)
        client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200)), base_url="http://shop.test")
        opened.append(client)
        chaos.begin("a::test", Policy(rules=rules))
        return chaos, chaos.wrap(client, "shop")

    yield begin
    for client in opened:
        client.close()


def statuses(client, count, path="/x"):
    return "".join("x" if client.get(path).status_code == 503 else "." for _ in range(count))


@pytest.mark.parametrize(
    ("when", "hit"),
    [
        ({"first": 2}, "xx......"),
        ({"ordinals": (2, 5)}, ".x..x..."),
        ({"every": 3}, "..x..x.."),
        ({"burst": {"on": 1, "off": 2}}, "x..x..x."),
        ({"first": 4, "every": 2}, ".x.x...."),
        ({"times": 3}, "xxx....."),
        ({"rate": 0}, "........"),
        ({}, "xxxxxxxx"),
    ],
)
def test_which_calls_of_a_key(shop, when, hit):
    _, client = shop(rule_of(("shop",), "503", **when))

    assert statuses(client, 8) == hit


def test_ordinals_count_for_each_call_of_its_own(shop):
    _, client = shop(rule_of(("shop",), "503", first=1))

    assert statuses(client, 2, "/a") + statuses(client, 2, "/b") == "x.x."


@pytest.mark.parametrize(
    ("when", "hit"),
    [
        ({"window": {"start": "2s", "end": "4s"}}, "..xx...."),
        ({"flapping": {"down": "1s", "up": "2s"}}, "x..x..x."),
    ],
)
def test_times_are_of_the_test(shop, when, hit):
    chaos, client = shop(rule_of(("shop",), "503", **when))
    seen = ""
    for _ in range(8):
        seen += statuses(client, 1)
        chaos.clock.sleep(1)

    assert seen == hit


def test_a_ramp_goes_from_none_to_all():
    ramp = When.model_validate({"ramp": {"calls": 101}})

    assert [ramp.threshold(n, 0) / 2**64 for n in (1, 51, 101, 200)] == [0, 0.5, 1, 1]
    assert When.model_validate({"ramp": {"over": "10s", "start": 1, "end": 0}}).threshold(1, 2_500_000) / 2**64 == 0.75


def test_a_budget_for_calls_under_way(shop):
    chaos, client = shop(rule_of(("shop",), "503", concurrent=1))

    assert statuses(client, 3) == "xxx"
    assert not any(call.racy for call in chaos.calls)


@pytest.mark.parametrize(
    ("match", "request_", "hit"),
    [
        ({"path": "/orders/*"}, {"url": "/orders/1/lines"}, True),
        ({"path": "/orders/*"}, {"url": "/bills/1"}, False),
        ({"path": ["/bills/*", "/orders/*"]}, {"url": "/orders/1"}, True),
        ({"method": "POST"}, {"url": "/"}, False),
        ({"headers": {"x-flavour": "van*"}}, {"url": "/", "headers": {"X-Flavour": "vanilla"}}, True),
        ({"headers": {"x-flavour": "van*"}}, {"url": "/"}, False),
        ({"query": {"page": "2"}}, {"url": "/?page=2"}, True),
        ({"query": {"page": "2"}}, {"url": "/?page=20"}, False),
        ({"body": "cents"}, {"url": "/", "content": b'{"cents": 3}'}, True),
        ({"body": lambda body: len(body) > 3}, {"url": "/", "content": b"123"}, False),
        ({"tenant": "acme"}, {"url": "/", "extensions": {"aosfarm.tenant": "acme"}}, True),
        ({"tenant": "acme"}, {"url": "/", "extensions": {"aosfarm.tenant": "other"}}, False),
        ({"module": "aod"}, {"url": "/", "extensions": {"aosfarm.module": "aod"}}, True),
    ],
)
def test_which_calls(shop, match, request_, hit):
    _, client = shop(rule_of((), "503", match=match))

    assert (client.request("GET", **request_).status_code == 503) is hit


def test_the_first_rule_that_fires_decides(shop):
    _, client = shop(rule_of(("shop",), "502", first=1), rule_of(("shop",), "503"))

    assert [client.get("/x").status_code for _ in range(2)] == [502, 503]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_policy(name):
    assert policy_of(name).rules


def test_a_policy_from_a_file(tmp_path):
    file = tmp_path / "storm.toml"
    rule = ['id = "storm"', 'fault = "latency:2s"', 'match.module = "aod"', "when.rate = 0.5", "budget.times = 3"]
    file.write_text("\n".join(["[[rules]]", *rule]))

    policy = policy_of(str(file))

    assert (policy.name, policy.rules[0].budget.times, policy.rules[0].match.module) == ("storm", 3, ("aod",))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("stormy", "neither a preset nor a file; presets: off, gentle"),
        ("away.toml", "cannot be read: No such file"),
        ("[[rules", "is no TOML"),
        ('[[rules]]\nfault = "fire"', "rules.0.faults"),
        ('[[rules]]\nfault = "503"\nwhen.rate = 2', "rules.0.when.rate"),
        ('[[rules]]\nfault = "503"\nwhen.flapping = {down = 0, up = 0}', "cannot both be 0"),
        ('[[rules]]\nfault = "503"\nwhen.window = {start = "2s", end = "1s"}', "`end` comes after its `start`"),
        (f"[[rules]]\na = {'[' * 5000}", "is no TOML"),
        ("[[rules]] # \udcff", "cannot be read: 'utf-8' codec"),
        ("\0.toml", "cannot be read: embedded null byte"),
        ("x" * 5000, "cannot be read: File name too long"),
    ],
    ids=lambda text: repr(text[:40]),
)
def test_what_is_no_policy_is_said_in_one_line(tmp_path, text, says):
    if text.startswith("[["):
        file = tmp_path / "wrong.toml"
        file.write_bytes(text.encode("utf-8", "surrogateescape"))
        text = str(file)

    with pytest.raises(ConfigurationError) as error:
        policy_of(text)

    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [({"rate": 1.5}, "rate"), ({"colour": "red"}, "no part of a rule; known: body, burst"), ({"first": 0}, "first")],
)
def test_a_wrong_rule_is_refused(options, says):
    with pytest.raises((ValidationError, TypeError), match=says):
        rule_of(("shop",), "503", **options)


def test_no_two_rules_have_one_name():
    rules = [rule_of((), fault, id=name) for fault, name in (("503", "a"), ("502", "a"), ("501", "a #2"), ("500", "b"))]

    assert [name for name, _ in name_apart(rules)] == ["a", "a #2", "a #2 #2", "b"]
    assert [name for name, _ in name_apart(rules, taken=["a", "b"])] == ["a #2", "a #3", "a #2 #2", "b #2"]
