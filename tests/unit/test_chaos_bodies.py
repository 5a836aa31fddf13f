"""Faults in bodies as bytes: what is cut, corrupt, malformed or slow is so, and the framing around it is right."""

from __future__ import annotations

import json
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.chaos.draws import FaultDraws
from pytest_aosfarm.chaos.exchange import Break, Pause, Reply
from pytest_aosfarm.chaos.faults import (
    BadGzip,
    Corrupt,
    MalformedJson,
    ResetBody,
    SlowBody,
    Stall,
    Truncated,
    WrongContentType,
)

BODIES = st.binary(min_size=1, max_size=200)
DRAWS = st.binary(min_size=8, max_size=8).map(FaultDraws)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


def reply(body, *headers):
    return Reply(200, ((b"Content-Type", b"text/x"), *headers), body, b"OK")


def parts(fault, body, draws, *headers):
    """(The head's lines, the body's bytes before the first pause or break, what comes then)."""
    first, *rest = fault.script(reply(body, *headers), draws, 0.0)
    head, _, sent = first.partition(b"\r\n\r\n")
    return head.split(b"\r\n"), sent, rest


@given(BODIES, DRAWS, st.none() | st.integers(0, 300))
@pytest.mark.parametrize(("kind", "then"), [(Truncated, []), (ResetBody, [Break("reset")]), (Stall, [Pause(None)])])
def test_a_body_that_is_cut_is_always_shorter_than_its_length(kind, then, body, draws, keep):
    head, sent, rest = parts(kind(keep=keep), body, draws)
    assert head[-1] == b"content-length: %d" % len(body)
    assert body.startswith(sent)
    assert len(sent) < len(body)
    assert keep is None or len(sent) == min(keep, len(body) - 1)
    assert rest == then


@given(BODIES, DRAWS, st.integers(1, 30))
def test_as_many_bytes_are_corrupt_as_asked_for(body, draws, count):
    head, sent, rest = parts(Corrupt(count), body, draws)
    assert head[-1] == b"content-length: %d" % len(sent)
    assert sum(a != b for a, b in zip(sent, body, strict=True)) == min(count, len(body))
    assert rest == []


@given(VALUES, DRAWS, st.sampled_from([None, "cut", "comma", "quotes"]))
def test_malformed_json_is_no_json_whatever_it_was_made_of(value, draws, how):
    head, sent, rest = parts(MalformedJson(how=how), json.dumps(value, ensure_ascii=False).encode(errors="replace"), draws)
    assert head[-1] == b"content-length: %d" % len(sent)
    with pytest.raises(json.JSONDecodeError):
        json.loads(sent)
    assert rest == []


@given(BODIES, DRAWS, st.integers(1, 60), st.booleans())
def test_a_slow_body_is_all_there_in_the_end(body, draws, chunk, chunked):
    headers = [(b"Transfer-Encoding", b"chunked")] if chunked else []
    _, sent, rest = parts(SlowBody("7ms", chunk=chunk), body, draws, *headers)
    assert rest[::2] == [Pause(7000)] * (len(rest) // 2)
    pieces = [sent, *rest[1::2]]
    assert len(pieces) == -(-len(body) // chunk)
    if not chunked:
        assert b"".join(pieces) == body
        assert [*accumulate(map(len, pieces))][:-1] == [*range(chunk, len(body), chunk)]
        return
    assert pieces[-1].endswith(b"\r\n0\r\n\r\n")
    assert all(piece.startswith(b"%x\r\n" % min(chunk, len(body) - at * chunk)) for at, piece in enumerate(pieces))


@given(BODIES, DRAWS)
def test_only_the_content_type_is_wrong(body, draws):
    head, sent, rest = parts(WrongContentType("text/plain"), body, draws)
    assert head == [b"HTTP/1.1 200 OK", b"content-type: text/plain", b"content-length: %d" % len(body)]
    assert (sent, rest) == (body, [])


@pytest.mark.parametrize("body", [b"{}", b"\x1f\x8b real gzip begins so", b"\x1f"])
def test_what_is_said_to_be_gzip_never_is(body):
    head, sent, _ = parts(BadGzip(), body, FaultDraws(b"a call"))
    assert b"content-encoding: gzip" in head
    assert not sent.startswith(b"\x1f")
    assert sent.endswith(body)
