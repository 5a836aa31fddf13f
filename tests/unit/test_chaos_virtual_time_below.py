"""What is below a client, for each way in which its replies can be mocked; the private names looked at are there."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import respx

from pytest_aosfarm.chaos.below import what_is_below

URL = httpx.URL("http://module.test/")


def answer(request):
    return httpx.Response(200)


reply: Any = answer


@pytest.mark.parametrize(
    ("transport", "below"),
    [
        (httpx.MockTransport(reply), "mock"),
        (httpx.ASGITransport(app=reply), "mock"),
        (httpx.WSGITransport(app=reply), "mock"),
        (type("Own", (httpx.MockTransport,), {})(reply), "mock"),
        (httpx.HTTPTransport(), "socket"),
        (httpx.AsyncHTTPTransport(), "socket"),
        (httpx.HTTPTransport(proxy="http://127.0.0.1:9"), "socket"),
        (type("Own", (httpx.HTTPTransport,), {"handle_request": reply})(), "socket"),
        (type("Unknown", (httpx.BaseTransport,), {})(), "socket"),
        (object(), "socket"),
    ],
)
def test_what_httpx_has(transport, below):
    assert what_is_below(transport) == below


@pytest.mark.parametrize("client", [httpx.Client, httpx.AsyncClient])
@pytest.mark.parametrize("using", ["httpx", "httpcore"])
def test_what_respx_replaces(client, using):
    made = client()
    with respx.mock(using=using, assert_all_called=False):
        assert what_is_below(made._transport_for_url(URL)) == "mock"
    assert what_is_below(made._transport_for_url(URL)) == "socket"


@pytest.mark.parametrize("client", [httpx.Client, httpx.AsyncClient])
def test_what_pytest_httpx_replaces(client, httpx_mock):
    assert what_is_below(client()._transport_for_url(URL)) == "mock"


@pytest.mark.parametrize("kind", [httpx.HTTPTransport, httpx.AsyncHTTPTransport])
def test_the_private_names_are_there(kind):
    assert type(kind()._pool).__module__.startswith("httpcore"), "`_pool` is where respx's replacement is looked for"
