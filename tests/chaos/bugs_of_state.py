"""Callers that take an error for an answer, or remember what is not so; each says what it does wrong."""

from __future__ import annotations

from contextlib import suppress

import httpx
from chaos.planted_bugs import LATE, NOISE, bug, doing, last


@bug(1)
def skips_a_page(shop):
    """After an error it goes on to the next page."""
    shop.routes["GET pages"] = lambda request: {"rows": [int(last(request))]}
    rows = []
    for page in range(10):
        rows += (shop.ask("GET", f"/pages/{page}") or {"rows": []})["rows"]
    assert len(rows) == 10


@bug(1, ["500 not delivered", *LATE], 0.8)
def takes_an_error_for_nothing(shop):
    """No list of what there is means that there is nothing, and all can go."""
    shop.routes["GET assets"] = lambda _: [1, 2, 3]
    for n in range(10):
        response = shop.api.get(f"/assets/{n}")
        found = response.json() if response.is_success else []
        assert {1, 2, 3} - set(found) == set()


@bug(1, ["malformed_json", *LATE], 0.8)
def poisons_its_cache(shop):
    """A text is kept before it is read."""
    cache = {}
    for n in range(8):
        for _ in range(3):
            if n not in cache:
                response = shop.api.get(f"/orders/{n}")
                if response.is_success:
                    cache[n] = response
            with suppress(ValueError, KeyError):
                cache[n].json()
                break
        else:
            assert n not in cache


@bug(2)
def drops_half_of_a_batch(shop):
    """A batch that fails is sent in halves, and what becomes of these is not looked at."""
    stored = set()
    shop.routes["POST rows"] = doing(lambda rows: stored.update(rows.split("-")))
    for n in range(5):
        if shop.ask("POST", f"/rows/{n}a-{n}b") is None:
            shop.ask("POST", f"/rows/{n}a")
            shop.ask("POST", f"/rows/{n}b")
    assert len(stored) == 10


@bug(3)
def trusts_three_replicas(shop):
    """That none of the three answers cannot be."""
    for n in range(6):
        answers = (shop.ask("GET", f"/replica{r}/orders/{n}") for r in (1, 2, 3))
        assert next(answer for answer in answers if answer is not None)["ok"]


@bug(2)
def asks_the_wrong_one_last(shop):
    """After both providers it takes the oldest price, not the latest."""
    shop.routes["GET first"] = shop.routes["GET second"] = lambda request: {"price": 100 + int(last(request))}
    prices = [100]
    for n in range(1, 8):
        quote = shop.ask("GET", f"/first/{n}") or shop.ask("GET", f"/second/{n}") or {"price": prices[0] - 1}
        prices.append(quote["price"])
    assert prices == sorted(prices)


@bug(2)
def divides_by_those_that_answered(shop):
    """The mean of the offers that came, however many these are."""
    shop.routes["GET offers"] = lambda _: {"price": 10}
    for n in range(5):
        offers = [shop.ask("GET", f"/offers/{provider}/{n}") for provider in "ab"]
        prices = [offer["price"] for offer in offers if offer is not None]
        assert sum(prices) / len(prices) == 10


@bug(2)
def takes_one_for_a_quorum(shop):
    """A write is good when one of three has it; a read asks for what two say."""
    stored: list[str] = []
    for name in ("r1", "r2", "r3"):
        shop.routes[f"PUT {name}"] = doing(stored.append)
    for n in range(4):
        acks = sum(shop.ask("PUT", f"/{name}/{n}") is not None for name in ("r1", "r2", "r3"))
        assert not acks or stored.count(str(n)) >= 2


@bug(1)
def acknowledges_first(shop):
    """A message is taken off the queue before its payload is there."""
    queue, done = {str(n) for n in range(5)}, set()
    shop.routes["DELETE queue"] = doing(queue.discard)
    for n in sorted(queue):
        if shop.ask("DELETE", f"/queue/{n}") is not None and shop.ask("GET", f"/payload/{n}") is not None:
            done.add(n)
    assert len(queue | done) == 5


@bug(1, ["field_renamed:price=cost", "503", *LATE], 0.8)
def knows_its_fields(shop):
    """A field that has another name is no error for its client."""
    shop.routes["GET items"] = lambda _: {"price": 1, "name": "pen"}
    for n in range(10):
        item = shop.ask("GET", f"/items/{n}") or {"price": 0}
        assert item["price"] >= 0


@bug(1)
def mistakes_one_for_another(shop):
    """Answers are told by their order, and one is missing."""
    shop.routes["GET names"] = lambda request: {"name": last(request)}
    answers = [shop.ask("GET", f"/names/{n}") for n in range(10)]
    came = [answer["name"] for answer in answers if answer is not None]
    assert all(str(n) == name for n, name in zip(range(9), came, strict=False))


@bug(1, [*NOISE, *LATE], 0.7)
def keeps_the_etag_of_a_broken_body(shop):
    """What was not read to its end is not asked for again."""
    shop.routes["GET report"] = lambda request: httpx.Response(
        304 if request.headers.get("if-none-match") else 200, headers={"etag": "e"}, json={"rows": [1, 2, 3]}
    )
    for n in range(8):
        etag, rows = None, None
        for _ in range(2):
            headers = httpx.Headers() if etag is None else httpx.Headers({"if-none-match": etag})
            with suppress(httpx.TransportError), shop.api.stream("GET", f"/report/{n}", headers=headers) as response:
                etag = response.headers.get("etag")
                if response.status_code == 200:
                    response.read()
                    rows = response.json()["rows"]
                    break
                assert response.status_code != 304 or rows


@bug(1, ["read_timeout delivered", "503", "latency:50ms"], 0.35)
def counts_its_own_update_as_anothers(shop):
    """A conflict is solved by doing it again, and it was its own first attempt."""
    stock = {"version": 0, "sold": 0}

    def put(request):
        if int(last(request)) != stock["version"]:
            return httpx.Response(409)
        stock.update(version=stock["version"] + 1, sold=stock["sold"] + 1)
        return stock

    shop.routes["GET stock"], shop.routes["PUT stock"] = lambda _: stock, put
    sold = 0
    for _ in range(6):
        read = shop.ask("GET", "/stock")
        if read is not None:
            done = shop.ask("PUT", f"/stock/{read['version']}")
            if done is None and (read := shop.ask("GET", "/stock")) is not None:
                done = shop.ask("PUT", f"/stock/{read['version']}")
            sold += done is not None
    assert stock["sold"] <= sold or not sold


@bug(2, ["read_timeout delivered", "503"])
def reads_what_it_has_overwritten(shop):
    """What it remembers is forgotten only when a write was confirmed."""
    stored, cache = {}, {}
    shop.routes["PUT names"] = doing(lambda name: stored.update({name: 1}))
    shop.routes["GET names"] = lambda request: {"name": stored.get(last(request), 0)}
    for n in range(6):
        path = f"/names/{n}"
        cache[path] = {"name": 0}
        if shop.ask("PUT", path) is not None:
            del cache[path]
        seen = shop.ask("GET", path) or cache.get(path)
        assert seen is None or seen["name"] == stored.get(str(n), 0)


@bug(1)
def leaves_a_lock(shop):
    """To unlock is tried once."""
    held: set[str] = set()
    shop.routes["POST lock"] = doing(held.add)
    shop.routes["DELETE lock"] = doing(held.discard)
    for n in range(5):
        if shop.ask("POST", f"/lock/{n}") is not None:
            shop.ask("DELETE", f"/lock/{n}")
    assert not held


@bug(1, ["read_timeout delivered", "refused", *LATE, *LATE], 0.8)
def is_saved_by_another_error(shop):
    """An order that may have been made is made again; an audit that fails cleans up, so more faults may do less."""
    orders: list[str] = []
    shop.routes["POST orders"] = doing(orders.append)
    for n in range(5):
        if shop.ask("POST", f"/orders/{n}") is None:
            shop.ask("POST", f"/orders/{n}")
        if shop.ask("GET", f"/audit/{n}") is None:
            orders = sorted(set(orders))
    assert len(orders) == len(set(orders))
