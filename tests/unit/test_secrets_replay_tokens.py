"""A replay token comes out of a Redactor whole, whatever its letters look like; a secret beside or within one does not."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.chaos.calls import CallKey
from pytest_aosfarm.chaos.faults import fault_of
from pytest_aosfarm.chaos.plan import Planned, Schedule
from pytest_aosfarm.recording.replay_tokens import is_replay_token
from pytest_aosfarm.recording.secret_shapes import may_hold_token
from pytest_aosfarm.recording.secrets import Redactor

REDACTOR = Redactor({})
FAULTS = [fault_of(short) for short in ("503", "reset", "read_timeout delivered", "latency:p50=80ms, p99=2s")]


def token_of(seed, *, faults):
    """A token of a test with so many faults."""
    draw = random.Random(seed)
    planned = [
        Planned(CallKey("shop", "GET", f"/orders/{n}", draw.randbytes(16).hex()), 1, "503 shop", draw.choice(FAULTS))
        for n in range(faults)
    ]
    return Schedule("shop.test_pay::test_pay", seed, tuple(planned)).token()


TOKENS = [token_of(seed, faults=40) for seed in range(500)]
LIKE_SECRETS = [token for token in TOKENS if may_hold_token(token)]
"""Those that hold the beginning of some."""

SECRETS = [
    f"ghp_{'a1B2' * 9}", f"xoxb-{'a1B2' * 9}", "AKIAIOSFODNN7EXAMPLE", f"pypi-{'a1B2' * 20}",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabcd\n-----END RSA PRIVATE KEY-----",
]  # fmt: skip


@pytest.mark.parametrize(
    "sentence",
    [
        "{}",
        "replay: pytest 'tests/test_pay.py::test_pay[a b]' --farm-seed=7 --farm-tenant=acme --farm-replay={}",
        "call 1, shop GET /: 503 -> 503\nreplay: pytest test_pay.py::test_pay --farm-replay={}\n",
        "Faults: 503 into call 1 of GET /1; again with --farm-replay={}",
        "['--farm-replay={}']",
        "E   assert chaos.token == '{}'",
        "with the token {}.",
    ],
)
def test_tokens_stay_whole(sentence) -> None:
    torn = [token for token in TOKENS if token not in REDACTOR.redacted(sentence.format(token))]
    assert torn == []
    assert len(LIKE_SECRETS) > 5, "they would stay whole by luck"


@given(
    st.sampled_from(LIKE_SECRETS),
    st.sampled_from(SECRETS),
    st.sampled_from([" ", "\n", ":", ".", "=", " AC1:", " AC1:eNo"]),
    st.booleans(),
)
def test_a_secret_beside_a_token_is_hidden(token, secret, glue, after) -> None:
    text = f"{token}{glue}{secret}" if after else f"{secret}{glue}{token}"
    shown = REDACTOR.redacted(text)
    assert "***" in shown
    for part in secret.split():
        assert part not in shown
    assert REDACTOR.redacted(shown) == shown


@given(st.sampled_from(LIKE_SECRETS), st.sampled_from(SECRETS), st.data())
def test_a_secret_within_a_token_makes_it_none(token, secret, data) -> None:
    place = data.draw(st.integers(4, len(token)))
    assert secret.split()[0] not in REDACTOR.redacted(token[:place] + secret + token[place:])
    assert secret.split()[0] not in REDACTOR.redacted(f"AC1:{secret}")


def test_a_token_in_a_private_key_is_hidden_with_it() -> None:
    begin, end = "-----BEGIN PRIVATE KEY-----\n", "\nabcd\n-----END PRIVATE KEY-----"
    assert REDACTOR.redacted(f"{begin}{TOKENS[0]}{end}") == "***"


@given(st.sampled_from(TOKENS), st.data())
def test_what_is_cut_or_goes_on_is_no_token(token, data) -> None:
    assert is_replay_token(token)
    assert not is_replay_token(token[: data.draw(st.integers(0, len(token) - 2))])
    assert not is_replay_token(token + data.draw(st.text("aZ5-_", min_size=1)))


def test_a_variable_that_holds_a_token_holds_no_secret() -> None:
    text = f"it was --farm-replay={TOKENS[0]}"
    assert Redactor({"REPLAY_TOKEN": TOKENS[0]}).redacted(text) is text
