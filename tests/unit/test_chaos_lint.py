"""The retry linter: planted defects are found, the defaults of common retry libraries are not called defects."""

from __future__ import annotations

import contextlib
import random

import httpx
import pytest
import stamina
import tenacity
from unit.retrying import (
    BUSY,
    LOST,
    OK,
    PLANTED,
    REFUSED,
    Reply,
    RetryingTransport,
    failing,
    world,
)

from pytest_aosfarm.chaos.faults import Latency, Status
from pytest_aosfarm.chaos.lint import lint

KEY = {"idempotency-key": "one"}
PATHS = [f"https://revops/orders/{number}" for number in range(4)]


def rules(history, **arguments):
    return [finding.rule for finding in lint(history, **arguments)]


def send(client, method, url, **arguments):
    client.request(method, url, **arguments).raise_for_status()


def attempts_of(retrying, client, method="GET", urls=PATHS, **arguments):
    """One logical call to each URL, each retried by `retrying` (a decorator of tenacity or stamina) until it gives up."""
    for url in urls:
        with contextlib.suppress(httpx.HTTPError, tenacity.RetryError):
            retrying(send)(client, method, url, **arguments)


DEFAULTS = {
    "tenacity": tenacity.retry,
    "tenacity-three-attempts": tenacity.retry(stop=tenacity.stop_after_attempt(3)),
    "tenacity-random-exponential": tenacity.retry(
        wait=tenacity.wait_random_exponential(), stop=tenacity.stop_after_attempt(10)
    ),
    "tenacity-exponential-jitter": tenacity.retry(
        wait=tenacity.wait_exponential_jitter(), stop=tenacity.stop_after_attempt(10)
    ),
    "stamina": stamina.retry(on=httpx.HTTPError),
}
WAITING = [name for name in DEFAULTS if name not in {"tenacity", "tenacity-three-attempts"}]


@pytest.fixture(autouse=True)
def _jitter_that_is_the_same_in_every_run():
    state = random.getstate()
    random.seed(7)
    yield
    random.setstate(state)


@pytest.mark.parametrize("name", DEFAULTS)
@pytest.mark.parametrize("reply", PLANTED.values(), ids=PLANTED)
@pytest.mark.parametrize("failures", [1, 2])
def test_defaults_that_outlive_a_short_failure_are_no_defect(monkeypatch, name, reply, failures):
    made = world(monkeypatch, failing(failures, reply))
    attempts_of(DEFAULTS[name], made.client())
    assert len(made.history) == len(PATHS) * (failures + 1)
    assert lint(made.history) == []


@pytest.mark.parametrize("name", WAITING)
def test_defaults_that_wait_longer_and_longer_are_no_storm_however_long_the_outage(monkeypatch, name):
    made = world(monkeypatch, failing(100, BUSY))
    attempts_of(DEFAULTS[name], made.client(), urls=PATHS * 5)
    assert len(made.history) == len(PATHS) * 5 * 10
    assert lint(made.history) == []


@pytest.mark.parametrize("name", DEFAULTS)
@pytest.mark.parametrize(
    ("reply", "headers"),
    [(REFUSED, {}), (Reply(429), {}), (BUSY, {}), (LOST, KEY), (Reply(500), KEY)],
    ids=["refused", "429", "503", "lost-with-key", "500-with-key"],
)
def test_defaults_may_send_a_post_again_that_was_not_done_or_has_a_key(monkeypatch, name, reply, headers):
    made = world(monkeypatch, failing(2, reply))
    attempts_of(DEFAULTS[name], made.client(), "POST", headers=headers)
    assert len(made.history) == len(PATHS) * 3
    assert lint(made.history) == []


@pytest.mark.parametrize("reply", [*PLANTED.values(), Reply(503, retry_after=3)], ids=[*PLANTED, "503-retry-after"])
@pytest.mark.parametrize(("factor", "failures"), [(0.0, 2), (0.5, 2), (0.5, 100)])
def test_a_transport_that_retries_is_no_defect(monkeypatch, reply, factor, failures):
    made = world(monkeypatch, failing(failures, reply))
    with made.client(around=lambda below: RetryingTransport(below, factor=factor)) as client:
        for method in ("GET", "POST", "PUT"):
            for url in PATHS:
                with contextlib.suppress(httpx.HTTPError):
                    client.request(method, url)
    retried = {"GET": min(failures, 10), "PUT": min(failures, 10), "POST": 0}
    assert len(made.history) == sum(len(PATHS) * (1 + retries) for retries in retried.values())
    assert lint(made.history) == []


def test_defaults_without_a_wait_are_a_storm_in_a_long_outage(monkeypatch):
    made = world(monkeypatch, failing(30, Reply(503, seconds=0.001)))
    attempts_of(tenacity.retry, made.client(), urls=PATHS[:1])
    with made.client(around=RetryingTransport) as client:
        client.get(PATHS[1])
    first, second = lint(made.history)
    assert str(first) == (
        "retry-storm: revops GET /orders/0: one call became 31 attempts within 30 ms (calls 1, 2, 3, 4, 5, 6, 7, 8…);"
        " wait longer after each failure, and stop after a few; only one layer may retry"
    )
    assert (second.rule, second.endpoint, len(second.calls)) == ("retry-storm", "GET /orders/1", 11)


def test_defaults_that_know_nothing_of_retry_after_ignore_it(monkeypatch):
    made = world(monkeypatch, failing(1, Reply(429, retry_after=30)))
    attempts_of(DEFAULTS["stamina"], made.client(), urls=PATHS[:1])
    assert rules(made.history) == ["ignored-retry-after"]




def retried(*waits, wait=None, attempts=None):
    """A retry with these seconds between attempts, or with one of tenacity's kinds of waits."""
    chosen = wait or tenacity.wait_chain(*(tenacity.wait_fixed(one) for one in waits))
    return tenacity.retry(wait=chosen, stop=tenacity.stop_after_attempt(attempts or len(waits) + 1), reraise=True)


def as_asked(state):
    return float(state.outcome.exception().response.headers["retry-after"])


RANDOM = tenacity.wait_random(0.5, 1.5)
MILD = retried(wait=RANDOM, attempts=3)


def layers(count):
    """Three attempts at each of three attempts at ... with short waits."""
    inner = retried(wait=tenacity.wait_random(0.01, 0.03), attempts=3)
    return inner if count == 1 else lambda call: inner(layers(count - 1)(call))


PLANTED_DEFECTS = {
    "lost": ("unsafe-retry", "POST", LOST, MILD),
    "failed-when-done": ("unsafe-retry", "POST", Reply(500), MILD),
    "reply-replaced": ("unsafe-retry", "POST", Reply(503, fault=Status(503)), MILD),
    "behind-a-gateway": ("unsafe-retry", "PATCH", Reply(504), MILD),
    "rate-limit": ("ignored-retry-after", "GET", Reply(429, retry_after=30), MILD),
    "asked-to-wait": ("ignored-retry-after", "GET", Reply(503, retry_after=10), MILD),
    "hot-loop": ("retry-storm", "GET", BUSY, retried(wait=tenacity.wait_none(), attempts=20)),
    "layers": ("retry-storm", "GET", BUSY, layers(3)),
    "doubling": ("no-jitter", "GET", BUSY, retried(0.1, 0.2, 0.4)),
    "fixed": ("no-jitter", "GET", LOST, retried(2, 2)),
}
MENDED = {
    "lost": ("POST", REFUSED, MILD),
    "failed-when-done": ("POST", Reply(500, delivered=False, fault=Status(500)), MILD),
    "reply-replaced": ("POST", Reply(503, fault=Latency.fixed("1s")), MILD),
    "behind-a-gateway": ("PUT", Reply(504), MILD),
    "rate-limit": ("GET", Reply(429, retry_after=30), retried(wait=as_asked, attempts=3)),
    "asked-to-wait": ("GET", Reply(503, retry_after=10), retried(wait=as_asked, attempts=3)),
    "hot-loop": ("GET", BUSY, retried(wait=tenacity.wait_none(), attempts=3)),
    "layers": ("GET", BUSY, layers(1)),
    "doubling": ("GET", BUSY, retried(wait=tenacity.wait_exponential_jitter(), attempts=4)),
    "fixed": ("GET", LOST, MILD),
}
"""The same callers with the defect mended, or in a place where it is none."""


@pytest.mark.parametrize(("rule", "method", "reply", "retrying"), PLANTED_DEFECTS.values(), ids=PLANTED_DEFECTS)
def test_a_planted_defect_is_found_and_nothing_else(monkeypatch, rule, method, reply, retrying):
    made = world(monkeypatch, failing(100, reply))
    attempts_of(retrying, made.client(), method)
    assert set(rules(made.history)) == {rule}


@pytest.mark.parametrize(("method", "reply", "retrying"), MENDED.values(), ids=MENDED)
def test_the_mended_caller_has_no_finding(monkeypatch, method, reply, retrying):
    made = world(monkeypatch, failing(100, reply))
    attempts_of(retrying, made.client(), method)
    assert len(made.history) > len(PATHS)
    assert lint(made.history) == []


class Breaker:
    """Five failures open it; after `reset` seconds it lets one call through, never if that is None."""

    def __init__(self, made, client, reset):
        self.made, self.client, self.reset = made, client, reset
        self.failures, self.opened = 0, 0.0

    def get(self, url):
        if self.failures >= 5 and (self.reset is None or self.made.now < self.opened + self.reset):
            return
        if self.client.get(url).is_success:
            self.failures = 0
        else:
            self.failures, self.opened = self.failures + 1, self.made.now


def batch(made, reset, *, items=40, pause=10.0):
    """For each item one call to finops, past a breaker, and one to aod, then `pause` seconds."""
    with made.client() as client:
        breaker = Breaker(made, client, reset)
        for item in range(items):
            client.get(f"https://aod/items/{item}")
            breaker.get("https://finops/rates")
            made.sleep(pause)


def outage(module, before):
    return BUSY if module == "finops" and 3 <= before < 10 else OK


def test_a_breaker_that_never_half_opens_is_found(monkeypatch):
    made = world(monkeypatch, outage)
    batch(made, None)
    (found,) = lint(made.history)
    assert str(found) == (
        "breaker-never-half-opens: finops: after 5 failures in a row no call came in the 5 min 21.55 s that followed,"
        " while the calls made in turn with them went on (calls 8, 10, 12, 14, 16);"
        " let the breaker try one call again after a while"
    )


def only_aod_goes_on(made):
    with made.client() as client:
        for _ in range(8):
            client.get("https://finops/rates")
        for item in range(40):
            client.get(f"https://aod/items/{item}")
            made.sleep(10)


@pytest.mark.parametrize(
    "calls",
    [
        lambda made: batch(made, 60),
        lambda made: batch(made, None, items=18),
        lambda made: batch(made, None, pause=90.0, items=10),
        only_aod_goes_on,
    ],
    ids=["half-opens", "too-early-to-tell", "slow-anyway", "not-called-in-turn"],
)
def test_a_module_that_is_not_called_for_another_reason_has_no_breaker(monkeypatch, calls):
    made = world(monkeypatch, outage)
    calls(made)
    assert "breaker-never-half-opens" not in rules(made.history)


def test_a_deadline_counts_the_waits_between_attempts(monkeypatch):
    made = world(monkeypatch, failing(2, LOST))
    attempts_of(retried(1, 1), made.client(), urls=PATHS[:1])
    assert rules(made.history) == []
    assert rules(made.history, deadline_us=12_050_000) == []
    (found,) = lint(made.history, deadline_us=12_000_000)
    assert str(found) == (
        "timeout-beyond-deadline: revops GET /orders/0: 3 attempts took 12.05 s where the caller's deadline is 12 s"
        " (calls 1, 2, 3); give each attempt what is left of the deadline as its timeout, and do not wait beyond it"
    )
