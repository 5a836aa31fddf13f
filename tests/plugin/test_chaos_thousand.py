"""A thousand seeded tests have the same faults, byte for byte, however they are run."""

from __future__ import annotations

import random
import re

import pytest

from pytest_aosfarm.chaos import decide

CONFTEST = """
    import os, random, time
    from pathlib import Path
    import httpx, pytest

    LOGS = Path(os.environ["CHAOS_LOGS"])
    FAULTS = [
        "503", "rate_limited:2s", "latency:100ms..8s", "read_timeout delivered", "reset", "truncated", "malformed_json",
        "corrupt", "slow_body", "field_retyped", "connect_timeout",
    ]

    def seeded(kind):
        # Five kinds of tests share the seeds.
        seeds = range(kind, int(os.environ["CHAOS_SEEDS"]), 5)
        mark = pytest.mark.chaos
        return pytest.mark.parametrize(
            "n", [pytest.param(n, marks=mark("shop", faults=FAULTS, rate=0.3, seed=n)) for n in seeds]
        )

    def pytest_configure(config):
        (LOGS / f"process-{os.getpid()}").touch()

    def pytest_collection_modifyitems(items):
        if "CHAOS_SHUFFLE" in os.environ:
            random.Random(os.environ["CHAOS_SHUFFLE"]).shuffle(items)

    def answer(request):
        # Without the path, which has new ids: a corrupt reply is read, or not, according to what it says.
        return httpx.Response(200, json={"items": [{"id": n} for n in range(9)]})

    @pytest.fixture(scope="session")
    def shop(chaos):
        with httpx.Client(transport=httpx.MockTransport(answer), base_url="http://shop.test") as client:
            yield chaos.wrap(client, "shop")

    def tried(call):
        for attempt in range(4):
            try:
                reply = call()
                reply.raise_for_status()
                return reply.json()["items"]
            except (httpx.HTTPError, ValueError, KeyError):
                time.sleep(2**attempt)

    @pytest.fixture(autouse=True)
    def logged(chaos, request):
        yield
        assert not any(call.racy or call.stray for call in chaos.calls)
        (LOGS / f"{request.node.name}.log").write_text(chaos.log)
"""

SUITE = {
    "test_seeded_plain": """
        from conftest import seeded, tried

        @seeded(0)
        def test_plain(shop, n):
            for order in range(4):
                tried(lambda: shop.get(f"/orders/{order}"))
            tried(lambda: shop.post("/orders", json={"order": n}))
    """,
    "test_seeded_threads": """
        import threading
        from conftest import seeded, tried

        @seeded(1)
        def test_threads(shop, chaos, n):
            def work(name):
                with chaos.lane(name):
                    for _ in range(3):
                        tried(lambda: shop.get("/orders", params={"page": 1}))

            threads = [threading.Thread(target=work, args=[name]) for name in "abc"]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    """,
    "test_seeded_async": """
        import asyncio
        import httpx
        from conftest import answer, seeded

        @seeded(2)
        def test_async(chaos, n):
            async def main():
                transport = httpx.MockTransport(answer)
                async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
                    chaos.wrap(client, "shop")

                    async def order(number):
                        for attempt in range(3):
                            try:
                                return (await client.get(f"/orders/{number}")).raise_for_status()
                            except httpx.HTTPError:
                                await asyncio.sleep(2**attempt)

                    await asyncio.gather(*map(order, range(6)))

            asyncio.run(main())
    """,
    "test_seeded_new_every_time": """
        import datetime, time, uuid
        from conftest import seeded, tried

        @seeded(3)
        def test_new_every_time(shop, n):
            for _ in range(6):
                run, at = uuid.uuid4(), datetime.datetime.now(datetime.timezone.utc).isoformat()
                body = {"run": run.hex, "at": at, "since": time.time_ns()}
                tried(lambda: shop.post(f"/runs/{run}/assets", params={"at": at}, json=body))
    """,
    "test_seeded_tenants": """
        from conftest import seeded, tried

        @seeded(4)
        def test_tenants(shop, tenant, farm, n):
            for owner in (tenant, farm.tenant("acme")):
                known = {"aosfarm.tenant": owner.key, "aosfarm.module": "shop"}
                headers = {"x-tenant": str(owner.id)}
                tried(lambda: shop.get(f"/of/{owner.id}/bills", headers=headers, extensions=known))
                tried(lambda: shop.put("/bills", json={"tenant": str(owner.id)}, extensions=known))
    """,
}


@pytest.fixture
def logs_of(pytester, monkeypatch):
    """A function that runs the suite with so many seeds, and gives the log of each test by its name."""
    pytester.makeini("[pytest]\npythonpath = .\n")
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(**SUITE)
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    logs = pytester.mkdir("logs")
    elsewhere = pytester.mkdir("elsewhere")

    def run(seeds, *arguments, hash_seed=None, away=False, **more):
        for log in logs.glob("*.log"):
            log.unlink()
        with monkeypatch.context() as patched:
            environment = {"CHAOS_LOGS": logs, "CHAOS_SEEDS": seeds, **more}
            if hash_seed is not None:
                environment["PYTHONHASHSEED"] = hash_seed
            for name, value in environment.items():
                patched.setenv(name, str(value))
            if away:
                patched.chdir(elsewhere)
                arguments = (*arguments, "..")
            # Only a process of its own has a hash seed of its own.
            start = pytester.runpytest if hash_seed is None else pytester.runpytest_subprocess
            result = start("-q", "--no-farm-record", *arguments)
        assert result.ret == 0
        return {log.name.removesuffix(".log"): log.read_bytes() for log in logs.glob("*.log")}

    return run


@pytest.fixture
def processes(pytester):
    """A function that says how many processes of pytest there were."""
    return lambda: len(list((pytester.path / "logs").glob("process-*")))


def test_logs_are_the_same_in_another_order(logs_of):
    serial = logs_of(40)
    shuffled = logs_of(40, CHAOS_SHUFFLE=3)

    assert len(serial) == 40
    assert sum(map(bool, serial.values())) > 25
    assert shuffled == serial


def test_a_decision_that_asks_a_generator_is_seen(logs_of, monkeypatch):
    generator = random.Random(1)
    monkeypatch.setattr(decide, "rule_draws", lambda *_: lambda *_: generator.randbytes(8))
    serial = logs_of(12)
    generator.seed(1)

    assert logs_of(12, CHAOS_SHUFFLE=3) != serial


@pytest.mark.slow
def test_a_thousand_seeds_in_twelve_processes(logs_of, processes):
    serial = logs_of(1000, hash_seed=0)
    kinds = {kind for log in serial.values() for kind in re.findall(rb'"kind":"([a-z_]+)"', log)}
    assert len(serial) == 1000
    assert len(kinds) == 11

    assert logs_of(1000, "-n2", hash_seed=1) == serial
    assert logs_of(1000, "-n2", "--dist=loadfile", hash_seed=2) == serial
    assert logs_of(1000, hash_seed=3, CHAOS_SHUFFLE=4) == serial
    assert logs_of(1000, hash_seed=5, away=True) == serial
    alone = logs_of(1000, "test_seeded_threads.py::test_threads[501]", hash_seed=6)
    assert alone == {"test_threads[501]": serial["test_threads[501]"]}
    assert processes() <= 12
