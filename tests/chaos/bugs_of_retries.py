"""Callers that repeat, wait or give up wrongly; each says what it does wrong, and is red when that has an effect."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import httpx
from chaos.planted_bugs import LATE, bug, doing, last


@bug(1, ["read_timeout delivered", "503", "latency:50ms"])
def charges_twice(shop):
    """It repeats a POST that may have arrived."""
    charged: Counter[str] = Counter()
    shop.routes["POST charge"] = doing(lambda order: charged.update([order]))
    for n in range(6):
        for _ in range(3):
            with suppress(httpx.TransportError):
                shop.api.post(f"/charge/{n}")
                break
    assert set(charged.values()) <= {1}


@bug(1)
def does_not_retry(shop):
    """What matters is asked for once."""
    for n in range(9):
        shop.ask("GET", f"/news/{n}")
    shop.api.get("/rates").raise_for_status()


@bug(3)
def retries_without_end(shop):
    """It stops only when it succeeds."""
    for n in range(8):
        attempts = 1
        while shop.ask("GET", f"/orders/{n}") is None:
            attempts += 1
        assert attempts <= 3


@bug(2, ["503", *LATE], 0.8)
def makes_an_attempt_too_few(shop):
    """Two attempts, where three are meant."""
    for n in range(8):
        replies = (shop.ask("GET", f"/orders/{n}") for _ in range(1, 3))
        assert any(reply is not None for reply in replies)


@bug(1, ["rate_limited:2s", "503", *LATE], 0.8)
def ignores_retry_after(shop):
    """It always waits for as long as it likes."""
    for n in range(10):
        response = shop.api.get(f"/orders/{n}")
        told = shop.clock.now()
        if response.is_error:
            shop.clock.sleep(1)
            assert shop.clock.now() - told >= int(response.headers.get("retry-after", 0))
            shop.api.get(f"/orders/{n}")


@bug(2, ["read_timeout delivered", "refused", "503"], 0.4)
def loses_its_idempotency_key(shop):
    """The third attempt has a key of its own."""
    charged: dict[str, str] = {}

    def charge(request):
        charged.setdefault(request.headers["idempotency-key"], last(request))
        return {"ok": True}

    shop.routes["POST charge"] = charge
    for n in range(8):
        for key in (f"a{n}", f"a{n}", f"b{n}"):
            if shop.ask("POST", f"/charge/{n}", headers={"idempotency-key": key}) is not None:
                break
    assert len(charged) == len(set(charged.values()))


@bug(2, ["503", *LATE], 0.8)
def breaker_never_closes(shop):
    """Two errors in a row open it, and nothing closes it."""
    in_a_row = 0
    for n in range(10):
        if in_a_row < 2:
            in_a_row = in_a_row + 1 if shop.ask("GET", f"/orders/{n}") is None else 0
    assert in_a_row < 2


@bug(3)
def never_forgets_an_error(shop):
    """Three errors in all are too many, however long it went well in between."""
    errors = 0
    for n in range(10):
        errors += shop.ask("GET", f"/orders/{n}") is None
        assert errors < 3


@bug(2)
def falls_back_for_good(shop):
    """After two errors it stays with what was to help for once."""
    errors = 0
    for n in range(10):
        version = "v2" if errors < 2 else "v1"
        errors += shop.ask("GET", f"/{version}/orders/{n}") is None
    assert version == "v2"


@bug(3, ["latency:400ms", "503"])
def has_a_deadline_for_each_step(shop):
    """Each step may take its time, whatever the others took."""
    for n in range(8):
        shop.ask("GET", f"/steps/{n}", timeout=1)
    assert shop.clock.now() <= 1


@bug(2, ["503", *LATE], 0.8)
def takes_silence_for_failure(shop):
    """A job of which nothing was heard twice is reported as failed."""
    shop.routes["GET job"] = lambda request: {"state": "done" if last(request) == "9" else "running"}
    unheard = 0
    for n in range(10):
        job = shop.ask("GET", f"/job/{n}")
        unheard = unheard + 1 if job is None else 0
        assert unheard < 2 or n == 9


@bug(2, ["401", "503", "latency:50ms"])
def keeps_an_old_token(shop):
    """When no new token comes, it goes on with the old one and does not ask again."""
    refused = None
    for n in range(8):
        status = shop.api.get(f"/orders/{n}").status_code
        if status == 401 and shop.ask("POST", f"/token/{n}") is None:
            refused = n
    assert refused is None


@bug(1, ["read_timeout delivered", "503", "latency:50ms"])
def sends_a_part_twice(shop):
    """It does not ask how far the other side has got before it goes on where it was."""
    stored: list[str] = []
    shop.routes["PUT parts"] = doing(stored.append)
    parts = list(range(8))
    while parts:
        with suppress(httpx.TransportError):
            shop.api.put(f"/parts/{parts[0]}")
            del parts[0]
    assert len(stored) == len(set(stored))


@bug(2)
def compensates_once(shop):
    """What was reserved for an order that fails is released in one attempt."""
    reserved: set[str] = set()
    shop.routes["POST reserve"] = doing(reserved.add)
    shop.routes["POST release"] = doing(reserved.discard)
    for n in range(6):
        if shop.ask("POST", f"/reserve/{n}") is not None and shop.ask("POST", f"/charge/{n}") is None:
            shop.ask("POST", f"/release/{n}")
            assert str(n) not in reserved
