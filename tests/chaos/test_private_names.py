"""What chaos uses of others that is not promised: each test says what breaks, and where, when it is gone."""

from __future__ import annotations

import asyncio
import inspect
from copy import copy
from typing import Any
from unittest.mock import Mock

import httpcore
import httpx
import pytest
import pytest_httpx
import respx
import respx.transports
from chaos.observed import tls
from hypothesis import control, given
from hypothesis import strategies as st

from pytest_aosfarm.chaos import below, seam
from pytest_aosfarm.chaos.below import what_is_below
from pytest_aosfarm.plugin.chaos_run import _example_of

KINDS = [httpx.Client, httpx.AsyncClient]


def answer(_):
    return httpx.Response(200)


@pytest.mark.parametrize("kind", KINDS)
def test_httpx_asks_a_method_for_the_transport_of_each_request(kind):
    breaks = f"httpx {httpx.__version__}: {kind.__name__}.{seam._SEAM} is another; chaos/seam.py gets into no client"
    method = getattr(kind, seam._SEAM, None)
    assert method is not None, breaks
    assert list(inspect.signature(method).parameters) == ["self", "url"], breaks

    client = kind(transport=httpx.MockTransport(answer))
    asked = Mock(return_value=client._transport)
    setattr(client, seam._SEAM, asked)
    if isinstance(client, httpx.AsyncClient):
        asyncio.run(client.get("http://shop.test/a"))
    else:
        client.get("http://shop.test/a")
    assert [call.args for call in asked.call_args_list] == [(httpx.URL("http://shop.test/a"),)], breaks


@pytest.mark.parametrize("kind", KINDS)
def test_httpx_keeps_the_hooks_that_it_is_given(kind):
    breaks = f"httpx {httpx.__version__} copies event_hooks: chaos/seam.py no longer counts what is sent, bypasses go unseen"
    client, theirs = kind(verify=tls()), Mock(spec=list)
    client.event_hooks["request"] = theirs
    assert client.event_hooks["request"] is theirs, breaks


@pytest.mark.parametrize("kind", [httpx.HTTPTransport, httpx.AsyncHTTPTransport])
def test_httpx_holds_the_pool_of_httpcore(kind):
    breaks = f"httpx {httpx.__version__}: {kind.__name__}._pool is gone; chaos/below.py takes respx's mocks for sockets"
    pool = getattr(kind(verify=tls()), "_pool", None)
    assert isinstance(pool, (httpcore.ConnectionPool, httpcore.AsyncConnectionPool)), breaks


def test_the_transports_of_httpx_have_these_names():
    missing = [name for name in below._IN_PROCESS | below._OVER_SOCKETS if not hasattr(httpx, name)]
    assert missing == [], f"httpx {httpx.__version__} has no {missing}: chaos/below.py takes what they are now for sockets"
    assert what_is_below(httpx.MockTransport(answer)) == "mock"
    assert what_is_below(httpx.HTTPTransport(verify=tls())) == "socket"


@pytest.mark.parametrize("using", ["httpx", "httpcore"])
@pytest.mark.parametrize("kind", KINDS)
def test_respx_is_seen(using, kind):
    breaks = f"respx {respx.__version__} mocks another way: chaos/below.py takes it for a socket, and refuses virtual delays"
    client = kind(verify=tls())
    with respx.mock(using=using):
        transport = getattr(type(client), seam._SEAM)(client, httpx.URL("http://shop.test/"))
        assert what_is_below(transport) == "mock", breaks
    if using == "httpx":
        assert isinstance(transport, respx.transports.TryTransport), breaks
        assert hasattr(transport, "transports"), breaks


@pytest.mark.httpx_mock(assert_all_responses_were_requested=False)
@pytest.mark.parametrize("kind", [httpx.HTTPTransport, httpx.AsyncHTTPTransport])
def test_pytest_httpx_is_seen(httpx_mock, kind):
    version = pytest_httpx.__version__
    breaks = f"pytest-httpx {version} mocks another way: chaos/below.py takes it for a socket, and refuses virtual delays"
    assert what_is_below(kind(verify=tls())) == "mock", breaks


def test_an_asyncio_loop_waits_where_virtual_time_looks():
    breaks = "asyncio no longer has {}: chaos/virtual_loop.py cannot move its time"

    async def main():
        loop = asyncio.get_running_loop()
        selector: Any = getattr(loop, "_selector", None)
        assert hasattr(selector, "select"), breaks.format("loop._selector.select")
        selector.select = asked = Mock(side_effect=selector.select)
        timer = loop.call_later(3600, print)
        assert timer in getattr(loop, "_scheduled", ()), breaks.format("its timers in loop._scheduled")
        await asyncio.sleep(0.001)
        waits = [call.args[0] for call in asked.call_args_list]
        assert any(waits), breaks.format("its waiting in loop._selector.select(timeout)")
        timer.cancel()

    asyncio.run(main())


def test_hypothesis_says_in_which_example_it_is():
    breaks = "hypothesis.control no longer has {}: in plugin/chaos_run.py ordinals run on from one example to the next"
    for name in ("current_build_context", "currently_in_test_context"):
        assert callable(getattr(control, name, None)), breaks.format(name)
    seen = []

    @given(st.integers())
    def examples(_):
        assert control.currently_in_test_context()
        seen.append(control.current_build_context())
        assert control.current_build_context() is seen[-1]

    assert getattr(examples, "is_hypothesis_test", False), breaks.format("is_hypothesis_test on its tests")
    assert _example_of(Mock(obj=examples)) is not None
    examples()
    assert len({id(one) for one in seen}) == len(seen) > 1, breaks.format("another context in every example")


def test_pytest_gives_a_function_a_new_request(request):
    breaks = f"pytest {pytest.__version__}: Function.{{}} is gone; plugin/chaos_again.py cannot run a test a second time"
    again = copy(request.node)
    assert vars(again).keys() >= {"_request", "funcargs", "_report_sections"}, breaks.format("a name")
    again._initrequest()
    assert again.funcargs == {}, breaks.format("_initrequest")
    assert again._request is not request.node._request, breaks.format("_request")
