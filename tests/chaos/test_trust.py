"""No call is lost or counted twice, none goes where it must not, whatever users do around it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from pytest_aosfarm.chaos.clock import RealClock
from pytest_aosfarm.chaos.handle import Chaos
from pytest_aosfarm.chaos.policy import Policy, rule_of
from pytest_aosfarm.chaos.seam import unwrap
from pytest_aosfarm.errors import ChaosError

HALF = Policy(rules=(rule_of(("shop",), ["503", "reset not delivered", "truncated", "malformed_json"], rate=0.5),))


class Shop:
    """Answers, and knows who asked for what."""

    def __init__(self, answer=None):
        self.paths = []
        self.answer = answer or (lambda _: httpx.Response(200, json={"id": 7}))

    def __call__(self, request):
        self.paths.append(request.url.path)
        return self.answer(request)


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in parts."""

    def __iter__(self):
        for _ in range(9):
            yield b"x" * 10

    async def __aiter__(self):
        for _ in range(9):
            yield b"x" * 10


def begun(policy=None, **options):
    chaos = Chaos(7, RealClock, **options)
    chaos.begin("a::test", policy)
    return chaos


def client_of(chaos, shop=None, **options):
    options = {"base_url": "http://shop.test", "transport": httpx.MockTransport(shop or Shop()), **options}
    return chaos.wrap(httpx.Client(**options), "shop")


def async_client_of(chaos, shop=None, **options):
    options = {"base_url": "http://shop.test", "transport": httpx.MockTransport(shop or Shop()), **options}
    return chaos.wrap(httpx.AsyncClient(**options), "shop")


def conserved(chaos, sends):
    """Whether so many sends were counted, decided and noted, and all of them have ended."""
    scope = chaos.scope
    assert [scope.sends - scope.refused, scope.decided, len(scope.calls)] == [sends] * 3
    assert [call.number for call in scope.calls if call.ended_us is None] == []
    return chaos.complaints() == []


# conservation


def test_threads_lose_no_call():
    chaos, shop = begun(HALF), Shop()
    with client_of(chaos, shop) as client, ThreadPoolExecutor(8) as pool:

        def call(number):
            try:
                return client.get(f"/{number % 50}").status_code
            except httpx.HTTPError:
                return None

        list(pool.map(call, range(1000)))
    assert conserved(chaos, 1000)
    assert len(shop.paths) == sum(call.delivered is True for call in chaos.calls)
    assert sum(rule.fired for rule in chaos._policy) == len(chaos.faults)


def test_gathered_and_cancelled_calls_are_all_counted():
    chaos = begun(HALF)

    async def never(_):
        await asyncio.sleep(3600)

    async def main():
        async with async_client_of(chaos) as client:
            await asyncio.gather(*(client.get(f"/{number}") for number in range(50)), return_exceptions=True)
        async with async_client_of(chaos, never) as client:
            waiting = [asyncio.ensure_future(client.get(f"/never/{number}")) for number in range(20)]
            await asyncio.sleep(0.01)
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(main())
    assert conserved(chaos, 70)
    assert "CancelledError" in {call.error for call in chaos.calls}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_hook_of_the_user_that_raises_has_sent_nothing(when):
    def refuse(request):
        raise ValueError(request.url.path)

    chaos, shop = begun(), Shop()
    hooks = {"request": [refuse]} if when == "before" else {}
    with client_of(chaos, shop, event_hooks=hooks) as client:
        if when == "after":
            client.event_hooks["request"].append(refuse)
        with pytest.raises(ValueError, match="/a"):
            client.get("/a")
    assert conserved(chaos, 0)
    assert shop.paths == []


def test_a_hook_that_raises_over_a_reply_changes_nothing_about_the_call():
    def judge(response):
        response.read()
        response.raise_for_status()

    chaos = begun()
    client = client_of(chaos, event_hooks={"response": [judge]})
    with chaos.on("shop", fault="503"), pytest.raises(httpx.HTTPStatusError):
        client.get("/a")
    assert conserved(chaos, 1)
    assert chaos.faults[0].status == 503


def test_hooks_are_the_users_own_to_look_at_and_to_set():
    def theirs(_):
        pass

    chaos = begun()
    client = client_of(chaos, event_hooks={"request": [theirs]})
    assert client.event_hooks["request"] == [theirs]
    client.event_hooks["request"].append(theirs)
    chaos.close()
    assert client.event_hooks["request"] == [theirs, theirs]
    assert type(client.event_hooks["request"]) is list

    chaos.wrap(client, "shop").event_hooks = {"request": [theirs]}
    client.get("/a")
    assert chaos.complaints() == []
    assert len(chaos.calls) == 1
    unwrap(client)
    assert client.event_hooks["request"] == [theirs]


def test_bodies_that_nobody_reads_and_clients_that_are_closed_midway():
    chaos = begun(HALF)
    client = client_of(chaos, Shop(lambda _: httpx.Response(200, stream=Body())))
    for number in range(20):
        try:
            with client.stream("GET", f"/{number}"), pytest.raises(ZeroDivisionError):
                raise ZeroDivisionError
        except httpx.HTTPError:
            pass
        if number == 10:
            break
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.get("/late")
    assert conserved(chaos, 11)


def test_a_call_that_bypasses_chaos_is_missed():
    chaos = begun()
    with client_of(chaos) as client:
        client._transport_for_url = lambda _: client._transport
        client.get("/a")
    assert chaos.complaints() == ["1 of 1 calls bypassed chaos: something replaced a wrapped client's transport"]


# what a client is called


@pytest.mark.parametrize("again", ["shop", ""])
def test_a_client_may_be_wrapped_again_under_its_name_or_none(again):
    chaos = begun()
    client = client_of(chaos)
    assert chaos.wrap(client, again) is client
    with chaos.on("shop", fault="503"):
        assert client.get("/a").status_code == 503
    assert conserved(chaos, 1)


@pytest.mark.parametrize("first", ["shop", ""])
@pytest.mark.parametrize("kind", [httpx.Client, httpx.AsyncClient])
def test_a_client_has_one_name(kind, first):
    chaos = begun()
    client = chaos.wrap(kind(), first)
    seen = "as 'shop'" if first else "without a name"
    with pytest.raises(ChaosError, match=f"is wrapped already, {seen}.* cannot be 'bank' as well. Give it its name"):
        chaos.wrap(client, "bank")
    chaos.close()
    assert chaos.wrap(client, "bank") is client


# who may be called


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.test.evil.com/",
        "http://127.0.0.1@evil.com/",
        "http://shop.test:80@evil.com/",
        "http://EVIL.com/",
        "http://shop.test./",
        "http://[::2]/",
        "http://[::ffff:127.0.0.1]/",
        "http://127.0.0.11/",
        "http://2130706433/",
        "http://xn--bcher-kva.com/",
        "http://evil.com/?.test",
        "http://evil.com/.test",
        "http://evil.com#.test",
        "http://localhost.evil.com/",
    ],
)
def test_what_looks_like_an_allowed_host_is_refused(url):
    chaos, shop = begun(), Shop()
    with client_of(chaos, shop) as client, pytest.raises(ChaosError, match="may not be called"):
        client.get(url)
    assert shop.paths == []
    assert not any("bypassed" in text for text in chaos.complaints())


@pytest.mark.parametrize(
    "url",
    ["http://SHOP.Test/", "http://u:p@shop.test:99/", "https://[::1]:8/", "http://a.b.localhost/", "http://münchen.test/"],
)
def test_an_allowed_host_is_called_however_it_is_written(url):
    chaos = begun()
    with client_of(chaos) as client:
        assert client.get(url).is_success
    assert conserved(chaos, 1)


@pytest.mark.parametrize("host", ["bücher.example.org", "xn--bcher-kva.example.org"])
@pytest.mark.parametrize("allowed", ["bücher.example.org", "xn--bcher-kva.example.org", "*.example.org"])
def test_a_name_in_other_letters_is_the_same_host(host, allowed):
    chaos = begun(hosts=[allowed])
    with client_of(chaos) as client:
        assert client.get(f"http://{host}/").is_success


def test_the_same_path_at_another_host_is_asked_about_anew():
    def elsewhere(request):
        if request.url.host == "shop.test":
            return httpx.Response(302, headers={"location": "http://evil.com/a"})
        raise AssertionError("it was called")

    chaos, shop = begun(), Shop(elsewhere)
    with client_of(chaos, shop, follow_redirects=True) as client:
        for _ in range(2):
            with pytest.raises(ChaosError, match=r"http://evil\.com/a may not be called"):
                client.get("http://shop.test/a")
    assert shop.paths == ["/a", "/a"]
    assert len(chaos.complaints()) == 2
    assert conserved(chaos, 2) is False


# what earlier tests left running


def test_a_thread_that_has_the_number_of_a_stray_one_is_none():
    chaos = Chaos(7, RealClock)
    chaos.begin("a::first", None)
    chaos.is_set_up()
    leave, left = threading.Event(), threading.Thread(target=lambda: leave.wait(10))
    left.start()
    chaos.end()
    chaos.begin("a::second", None)
    chaos.is_set_up()
    leave.set()
    left.join()
    statuses: list[int] = []
    with client_of(chaos) as client, chaos.on("shop", fault="503"):

        def call(number):
            statuses.append(client.get(f"/{number}").status_code)

        for number in range(5):
            thread = threading.Thread(target=call, args=[number])
            thread.start()
            thread.join()
    assert statuses == [503] * 5
    assert not any(call.stray for call in chaos.calls)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["thread", "task"])
def test_what_an_earlier_test_left_running_is_noted_and_left_alone(asynchronous):
    chaos = Chaos(7, RealClock)
    statuses = []

    def next_test():
        chaos.end()
        chaos.begin("a::second", None)
        chaos.is_set_up()

    def in_a_thread():
        with client_of(chaos) as client:
            chaos.begin("a::first", None)
            chaos.is_set_up()
            go, called = threading.Event(), threading.Event()

            def late():
                called.set()
                go.wait(10)
                statuses.append(client.get("/late").status_code)

            thread = threading.Thread(target=late)
            thread.start()
            called.wait(10)
            next_test()
            with chaos.on("shop", fault="503"):
                go.set()
                thread.join()
                statuses.append(client.get("/mine").status_code)

    async def in_a_task():
        async with async_client_of(chaos) as client:
            chaos.begin("a::first", None)
            chaos.is_set_up()
            go = asyncio.Event()

            async def late():
                await client.get("/early")
                await go.wait()
                statuses.append((await client.get("/late")).status_code)

            task = asyncio.create_task(late())
            await asyncio.sleep(0)
            next_test()
            with chaos.on("shop", fault="503"):
                go.set()
                await task
                # This task was there before, too: what is called from it is stray as well.
                statuses.append((await asyncio.create_task(client.get("/mine"))).status_code)

    if asynchronous:
        asyncio.run(in_a_task())
    else:
        in_a_thread()
    assert statuses == [200, 503]
    assert [(call.key.path, call.stray) for call in chaos.calls] == [("/late", True), ("/mine", False)]
