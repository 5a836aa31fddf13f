"""A late reply whose body comes over a real socket in parts: virtual time waits for each, and jumps to no timeout."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from chaos.observed import tls
from chaos.real_server import BODY, HEAD, Connection, answering, serving

from pytest_aosfarm.chaos.faults import Corrupt, Latency, SlowBody
from pytest_aosfarm.chaos.handle import Chaos
from pytest_aosfarm.chaos.virtual_time import VirtualClock, virtual_time


def in_two_parts(connection: Connection) -> None:
    head = HEAD + b"content-length: %d\r\n\r\n" % len(BODY)

    def rest(connection: Connection) -> None:
        connection.wait(0.05)
        connection.send(BODY[10:])

    answering(head, BODY[:10], then=rest)(connection)


@pytest.mark.parametrize("fault", [Latency("1s"), Corrupt(), SlowBody("1s")], ids=lambda fault: fault.kind)
def test_the_body_of_a_late_reply_is_waited_for(fault):
    clock = VirtualClock(forced=True)
    chaos = Chaos(1, lambda: clock, hosts=["127.0.0.1"])

    async def main(port: int) -> httpx.Response:
        async with chaos.wrap(httpx.AsyncClient(timeout=20, verify=tls(), trust_env=False), "shop") as client:
            with chaos.on("shop", "GET /orders", fault=fault):
                return await client.get(f"http://127.0.0.1:{port}/orders")

    chaos.begin("test", None)
    with serving(in_two_parts) as port, virtual_time(clock):
        response = asyncio.run(main(port))
    chaos.end()
    chaos.close()
    assert len(response.content) == len(BODY)
