"""Virtual time over real sockets of our own: the module takes its real time, what is injected and the back-off take none."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anyio
import httpx
import pytest
import tenacity
from unit.waits import real_waits

from pytest_aosfarm.chaos.below import what_is_below
from pytest_aosfarm.chaos.handle import Chaos
from pytest_aosfarm.chaos.virtual_time import VirtualClock, virtual_time
from pytest_aosfarm.errors import ChaosTimeError

true_sleep = time.sleep


class Module(BaseHTTPRequestHandler):
    """Answers with the path, which says how many real seconds it takes."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        true_sleep(float(self.path.removeprefix("/")))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def url():
    with ThreadingHTTPServer(("127.0.0.1", 0), Module) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Seam(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """How chaos tells a clock of its calls. Every call is late; those whose number is in `failing` are not delivered."""

    def __init__(self, clock, transport, *, late=6, failing=(), own=True):
        self.clock, self.transport, self.late, self.failing, self.own = clock, transport, late, failing, own
        self.calls = 0

    def close(self):
        self.transport.close()

    async def aclose(self):
        await self.transport.aclose()

    def fails(self, request):
        self.calls += 1
        if self.calls in self.failing:
            self.clock.fault_injected()
            raise httpx.ConnectError("refused", request=request)

    def check(self, request):
        if not self.own and what_is_below(self.transport) == "socket":
            self.clock.over_real_socket(str(request.url))

    def handle_request(self, request):
        self.clock.adopt_thread()
        self.check(request)
        self.fails(request)
        self.clock.sleep(self.late)
        self.clock.io_begins()
        try:
            return self.transport.handle_request(request)
        finally:
            self.clock.io_ends()

    async def handle_async_request(self, request):
        self.clock.adopt_running_loop()
        self.check(request)
        self.fails(request)
        await self.clock.asleep(self.late)
        self.clock.io_begins()
        try:
            return await self.transport.handle_async_request(request)
        finally:
            self.clock.io_ends()


def sync_client(clock, **options):
    return httpx.Client(transport=Seam(clock, httpx.HTTPTransport(), **options))


def async_client(clock, **options):
    return httpx.AsyncClient(transport=Seam(clock, httpx.AsyncHTTPTransport(), **options))


def test_a_delay_is_virtual_and_the_answer_is_real(url):
    with real_waits() as waits, virtual_time(VirtualClock()) as clock, sync_client(clock) as client:
        began = clock.now()
        response = client.get(f"{url}/0.03")
        assert clock.now() - began >= 6.03
    assert response.elapsed.total_seconds() >= 6.03
    assert clock.recorded_us() == 6_000_000
    assert waits == []


def test_a_delay_is_virtual_and_the_answer_is_real_in_async_code(url):
    async def main():
        loop = asyncio.get_running_loop()
        async with async_client(clock) as client:
            clock.adopt_running_loop()
            began = loop.time()
            response = await client.get(f"{url}/0.03")
            return loop.time() - began, response.elapsed.total_seconds()

    with virtual_time(VirtualClock()) as clock:
        assert min(asyncio.run(main())) >= 6.03
    assert clock.recorded_us() == 6_000_000


def test_delays_are_virtual_after_real_answers(url):
    async def main():
        async with async_client(clock) as client:
            for _ in range(3):
                await client.get(f"{url}/0")

    with virtual_time(VirtualClock()) as clock:
        asyncio.run(main())
    assert clock.recorded_us() == 18_000_000


def test_a_timeout_does_not_strike_while_the_module_works(url):
    """A jump to the timer would make the call of 50 ms end in a timeout at once, whose place in time is 30 s away."""

    async def main():
        async with async_client(clock, late=1) as client, asyncio.timeout(30):
            await asyncio.gather(*(client.get(f"{url}/0.05") for _ in range(3)))

    with virtual_time(VirtualClock()) as clock:
        asyncio.run(main())
    assert clock.recorded_us() == 1_000_000


def test_a_real_timeout_takes_its_real_time(url):
    async def main():
        async with async_client(clock, late=1) as client:
            with pytest.raises(httpx.ReadTimeout):
                await client.get(f"{url}/0.2", timeout=httpx.Timeout(None, read=0.02))

    with virtual_time(VirtualClock()) as clock:
        asyncio.run(main())
    assert clock.recorded_us() == 1_000_000


def test_an_injected_delay_beyond_a_timeout_ends_on_time(url):
    async def main():
        async with async_client(clock) as client:
            clock.adopt_running_loop()
            began = asyncio.get_running_loop().time()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(3):
                    await client.get(f"{url}/0")
            return asyncio.get_running_loop().time() - began

    with virtual_time(VirtualClock()) as clock:
        assert asyncio.run(main()) == pytest.approx(3, abs=1e-6)


def test_back_off_after_a_fault_costs_nothing_though_connections_are_open(url):
    async def main():
        async with async_client(clock, failing=(2, 3)) as client:
            await client.get(f"{url}/0")
            retry = tenacity.retry(wait=tenacity.wait_fixed(60), stop=tenacity.stop_after_attempt(3))
            await retry(client.get)(f"{url}/0")

    with real_waits() as waits, virtual_time(VirtualClock()) as clock:
        asyncio.run(main())
    assert clock.recorded_us() == 132_000_000
    assert all(seconds < 6 for seconds in waits), "the timeouts of httpx are 5 s"


def test_back_off_after_a_fault_costs_nothing(url):
    with real_waits() as waits, virtual_time(VirtualClock()) as clock, sync_client(clock, failing=(2, 3)) as client:
        client.get(f"{url}/0")
        retry = tenacity.retry(wait=tenacity.wait_fixed(60), stop=tenacity.stop_after_attempt(3))
        retry(client.get)(f"{url}/0")
    assert clock.recorded_us() == 132_000_000
    assert waits == []


def test_a_poll_for_a_real_state_waits_really(url):
    with real_waits() as waits, virtual_time(VirtualClock()) as clock, sync_client(clock) as client:
        client.get(f"{url}/0")
        time.sleep(0.02)
    assert waits == [0.02]
    assert clock.recorded_us() == 6_000_000


def test_a_poll_for_a_real_state_waits_really_in_async_code(url):
    async def main():
        async with async_client(clock) as client:
            await client.get(f"{url}/0")
            began = time.monotonic()
            await asyncio.sleep(0.02)
            return time.monotonic() - began

    with virtual_time(VirtualClock()) as clock:
        assert asyncio.run(main()) >= 0.019
    assert clock.recorded_us() == 6_000_000


def test_threads_that_call_wait_for_each_other(url):
    """While the slow call is under way time is real, so the others cannot come back before it from 6 s of delay."""
    with virtual_time(VirtualClock()) as clock, sync_client(clock) as client:
        threads = [threading.Thread(target=client.get, args=(f"{url}/0.02",)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert 6_000_000 <= clock.recorded_us() <= 30_000_000


def test_foreign_sockets_are_refused(url):
    clock = VirtualClock()
    with virtual_time(clock), sync_client(clock, own=False) as client, pytest.raises(ChaosTimeError, match=url):
        client.get(f"{url}/0")


def test_foreign_sockets_are_taken_when_forced(url):
    async def main():
        async with async_client(clock, own=False) as client:
            await client.get(f"{url}/0")

    with virtual_time(VirtualClock(forced=True)) as clock:
        asyncio.run(main())
    assert clock.recorded_us() == 6_000_000


def test_a_socket_of_somebody_else_in_the_loop_is_heard(url):
    """A connection that chaos knows nothing of: its reply comes before a timer that is 30 s away."""

    async def main():
        clock.adopt_running_loop()
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(b"GET /0.03 HTTP/1.1\r\nhost: x\r\n\r\n")
        async with asyncio.timeout(30):
            line = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return line

    with virtual_time(VirtualClock()) as clock:
        assert asyncio.run(main()) == b"HTTP/1.1 200 OK\r\n"
    assert clock.recorded_us() == 0


def answer(request):
    return httpx.Response(200)


@contextmanager
def chaos_over(url, *, own=(), forced=False):
    """Chaos as the plugin has it, in a test that is under way; `own` is what the Farm has started."""
    clock = VirtualClock(forced=forced)
    chaos = Chaos(1, lambda: clock, hosts=["127.0.0.1"])
    chaos.own = lambda: own
    chaos.begin("test", None)
    with virtual_time(clock):
        yield chaos
    chaos.end()
    chaos.close()


def test_a_foreign_reply_is_awaited_when_forced(url):
    """A jump to the timeouts of httpx, 5 s away, would make each call end in one."""

    async def main():
        async with chaos.wrap(httpx.AsyncClient()) as client:
            return [(await client.get(f"{url}/0.03")).status_code for _ in range(2)]

    with chaos_over(url, forced=True) as chaos:
        assert asyncio.run(main()) == [200, 200]
        assert chaos.clock.recorded_us() == 0


def test_after_a_fault_any_sleep_of_a_loop_is_virtual():
    """Not only asyncio's own, and though no call has gone over a socket or was late."""

    async def main():
        transport = httpx.MockTransport(answer)
        async with chaos.wrap(httpx.AsyncClient(transport=transport)) as client:
            with chaos.on("127.0.0.1", fault="503"):
                assert (await client.get("http://127.0.0.1/")).status_code == 503
            await anyio.sleep(600)

    with real_waits() as waits, chaos_over("") as chaos:
        asyncio.run(main())
        assert chaos.clock.recorded_us() == 600_000_000
    assert waits == []


def test_a_thread_backs_off_in_virtual_time_after_a_fault():
    def calls():
        with pytest.raises(httpx.ConnectError):
            client.get("http://127.0.0.1/")
        time.sleep(600)

    transport = httpx.MockTransport(answer)
    with real_waits() as waits, chaos_over("") as chaos, chaos.wrap(httpx.Client(transport=transport)) as client:
        with chaos.on("127.0.0.1", fault="refused"):
            thread = threading.Thread(target=calls)
            thread.start()
            thread.join(60)
        assert chaos.clock.recorded_us() == 600_000_000
    assert waits == []
