"""Chaos in somebody's repo: faults are injected where they should be, counted, and never lost."""

from __future__ import annotations

from pytest_aosfarm.cli import main


def test_faults_that_were_not_injected_turn_a_test_red(pytester, suite, plugin_args):
    suite(
        """
        import pytest

        def test_block(shop, chaos):
            with chaos.on("shop", "POST /charge", fault="503"):
                shop.get("/orders")

        @pytest.mark.chaos("shop", fault="503", route="POST /charge")
        def test_mark(shop):
            shop.get("/orders")

        @pytest.mark.chaos("shop", fault="503", route="POST /charge", must_fire=False)
        def test_meant(shop):
            shop.get("/orders")

        @pytest.mark.chaos("shop", fault="503", rate=0.001)
        def test_by_chance(shop):
            shop.get("/orders")
        """
    )
    result = pytester.runpytest(*plugin_args)

    result.assert_outcomes(failed=2, passed=2)
    result.stdout.fnmatch_lines(["*the chaos rule '503 shop POST /charge' has injected nothing (no call fitted it); say*"])


def test_calls_that_bypass_chaos_turn_a_test_red(pytester, suite):
    suite(
        """
        import httpx

        def test_bypass(chaos):
            with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
                chaos.wrap(client, "shop")
                client._transport_for_url = lambda url: client._transport
                client.get("http://shop.test/")
        """
    )
    result = pytester.runpytest()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*1 of 1 calls bypassed chaos*"])


def test_what_a_function_of_a_rule_raises_is_seen(pytester, suite, plugin_args):
    suite(
        """
        import json
        import pytest

        def is_dear(body):
            return json.loads(body)["price"] > 99

        def bought(shop):
            try:
                return shop.post("/orders", content=b"").is_success
            except Exception:
                return False

        @pytest.mark.chaos("shop", fault="503", body=is_dear)
        def test_open(shop):
            shop.post("/orders", content=b"")

        @pytest.mark.chaos("shop", fault="503", rate=0.1, body=is_dear)
        def test_swallowed(shop):
            assert not bought(shop)

        def test_swallowed_in_a_block(shop, chaos):
            with chaos.on("shop", fault="503", rate=0.1, body=is_dear):
                assert not bought(shop)

        def test_wanted(shop, chaos):
            with pytest.raises(json.JSONDecodeError), chaos.on("shop", fault="503", body=is_dear):
                shop.post("/orders", content=b"")
            assert [(call.observed, call.delivered) for call in chaos.calls] == [("JSONDecodeError", False)]
        """
    )
    result = pytester.runpytest(*plugin_args)

    result.assert_outcomes(failed=3, passed=1)
    where = "the function `body` of the chaos rule '503 shop is_dear'"
    result.stdout.fnmatch_lines_random(
        [
            "E *json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
            f"E *aosfarm: raised by {where}; the call was not made",
            f"aosfarm: {where} raised JSONDecodeError('Expecting value: line 1 column 1 (char 0)'), so no call was made*",
            f"E *MustFireError: {where} raised JSONDecodeError(*",
        ]
    )
    result.stdout.no_fnmatch_line("*decisions were made*")


def test_a_host_that_is_not_allowed_is_not_called(pytester, suite, plugin_args):
    suite(
        """
        import httpx, pytest

        def test_away(chaos):
            with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
                try:
                    chaos.wrap(client, "shop").get("http://user:secret@prod.invalid/pay?key=1")
                except Exception:
                    pass
        """
    )
    refused = pytester.runpytest(*plugin_args)

    refused.assert_outcomes(failed=1)
    refused.stdout.fnmatch_lines(["*a call to http://prod.invalid/pay was refused: allowed hosts are *--farm-chaos-hosts*"])
    refused.stdout.no_fnmatch_line("*secret*")
    pytester.runpytest(*plugin_args, "--farm-chaos-hosts=*.invalid").assert_outcomes(passed=1)


def test_calls_of_an_earlier_tests_thread_are_noted_and_left_alone(pytester, suite):
    suite(
        """
        import threading
        import pytest

        go, gone = threading.Event(), threading.Event()

        def late(shop):
            go.wait(10)
            seen.append(shop.get("/late").status_code)
            gone.set()

        seen = []

        def test_leaves_a_thread(shop, chaos):
            threading.Thread(target=late, args=[shop]).start()

        def test_next(shop, chaos):
            with chaos.on("shop", fault="503"):
                shop.get("/mine")
                go.set()
                assert gone.wait(10)
            assert seen == [200]
            assert [(call.key.path, call.stray) for call in chaos.calls] == [("/mine", False), ("/late", True)]
        """
    )
    pytester.runpytest().assert_outcomes(passed=2)


def test_wide_fixtures_hold_faults_and_their_own_calls_belong_to_no_test(pytester, suite, plugin_args):
    suite(
        """
        import pytest

        @pytest.fixture(scope="module")
        def stormy(shop, chaos):
            assert shop.get("/orders").is_success
            with chaos.on("shop", fault="503", first=1) as rule:
                yield rule

        class TestBoth:
            def test_a(self, shop, stormy, chaos):
                assert [shop.get("/orders").status_code for _ in range(2)] == [503, 200]
                assert [call.ordinal for call in chaos.calls] == [1, 2]

            def test_b(self, shop, stormy, chaos):
                assert [shop.get("/orders").status_code for _ in range(2)] == [503, 200]

        def test_after(shop, stormy):
            assert stormy.fired == 2
        """
    )
    pytester.runpytest(*plugin_args, "--dist=loadfile" if "-n2" in plugin_args else "-q").assert_outcomes(passed=3)


def test_with_hypothesis_every_example_begins_anew(pytester, suite, plugin_args):
    suite(
        """
        from hypothesis import given, settings, strategies as st
        import pytest

        @settings(max_examples=20, deadline=None)
        @given(n=st.integers(0, 3))
        @pytest.mark.chaos("shop", fault="503", first=1)
        def test_examples(shop, chaos, n):
            assert [shop.get("/orders").status_code for _ in range(2)] == [503, 200]

        @settings(max_examples=50, deadline=None, database=None)
        @given(n=st.integers(0, 30))
        @pytest.mark.chaos("shop", fault="503", route="/orders/17")
        def test_red(shop, n):
            assert shop.get(f"/orders/{n}").is_success or n == 40

        def test_plain(shop, chaos):
            shop.get("/orders")
            assert [call.ordinal for call in chaos.calls] == [1]
        """
    )
    result = pytester.runpytest(*plugin_args)

    result.assert_outcomes(passed=2, failed=1)
    assert sum(line.startswith("call ") for line in result.outlines) == 1


def test_async_tests(pytester, suite, plugin_args):
    suite(
        """
        import asyncio, time
        import httpx, pytest

        pytestmark = pytest.mark.anyio

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.fixture
        async def api(chaos):
            async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
                yield chaos.wrap(client, "shop")

        @pytest.mark.chaos("shop", fault="latency:60s")
        async def test_slow(api):
            began = time.monotonic()
            await asyncio.gather(*(api.get(f"http://shop.test/{n}", timeout=None) for n in range(50)))
            assert 60 <= time.monotonic() - began < 61

        async def test_block(api, chaos):
            with chaos.on("shop", fault="read_timeout"):
                with pytest.raises(httpx.ReadTimeout):
                    await api.get("http://shop.test/")

        async def test_red(api, chaos):
            with chaos.on("shop", fault="503"):
                assert (await api.get("http://shop.test/")).is_success
        """
    )
    result = pytester.runpytest(*plugin_args, "-p", "anyio")

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*::test_red: passes without faults, fails again with the same ones: chaos is to blame"])


def test_the_clients_of_the_modules_are_wrapped(pytester, suite, plugin_args):
    suite(
        """
        import asyncio
        import pytest
        from pytest_aosfarm import ModuleError

        @pytest.mark.chaos("aod", fault="503", route="GET /health", first=1)
        def test_blocking(aod):
            with pytest.raises(ModuleError):
                aod.health()
            assert aod.health()

        def test_both(aod, async_aod, chaos):
            with chaos.on("aod", fault="read_timeout", first=1):
                with pytest.raises(ModuleError):
                    aod.health()
                asyncio.run(async_aod.health())
            assert [call.key.module for call in chaos.calls] == ["aod", "aod"]
        """
    )
    pytester.runpytest(*plugin_args).assert_outcomes(passed=2)


def test_a_policy_of_the_run_is_for_every_test_and_the_canary_spares_none(pytester, suite, plugin_args):
    suite(
        """
        import pytest

        def test_sees(aod):
            assert aod.health()

        def test_blind(aod):
            aod.request("GET", "/health")

        @pytest.mark.chaos(preset="off")
        def test_off(aod):
            assert aod.health()

        def test_calls_nobody(): pass
        """
    )
    result = pytester.runpytest(*plugin_args, "--farm-chaos=canary")

    result.assert_outcomes(failed=1, passed=3)
    blind = pytester.runpytest(*plugin_args, "--farm-chaos=canary", "-k", "blind")
    blind.stdout.fnmatch_lines(["oracle blind: 1 test stayed green under the preset canary*test_blind*"])


def test_a_wrong_mark_is_the_error_of_its_test(pytester, suite, plugin_args):
    suite(
        """
        import pytest

        @pytest.mark.chaos("shop", fault="fire")
        def test_wrong(): pass

        @pytest.mark.chaos("shop", rate=0.5)
        def test_nothing(): pass

        @pytest.mark.chaos("shop", fault="503", colour="red")
        def test_colour(): pass

        def test_right(): pass
        """
    )
    result = pytester.runpytest(*plugin_args)

    result.assert_outcomes(errors=3, passed=1)
    result.stdout.fnmatch_lines_random(
        [
            "aosfarm: marker chaos('shop', fault='fire') is not valid: faults: *",
            "aosfarm: marker chaos('shop', rate=0.5) is not valid: one of fault, faults and preset is needed*",
            "aosfarm: marker chaos('shop', fault='503', colour='red') is not valid: 'colour' is no part of a rule; known: *",
        ]
    )


def test_the_fixture_must_be_asked_for_by_name(pytester, suite):
    suite("def test_a(request): request.getfixturevalue('chaos')")
    result = pytester.runpytest()

    result.assert_outcomes(errors=0, failed=1)
    result.stdout.fnmatch_lines(["*name the fixture as an argument of the test*"])


def test_a_run_without_chaos_loads_none_of_it(pytester, suite):
    pytester.makepyfile(
        """
        import sys

        def test_a(tenant):
            ours = ("pytest_aosfarm.chaos", "pytest_aosfarm.plugin.chaos_")
            assert not [name for name in sys.modules if name.startswith(ours)]
        """
    )
    assert pytester.runpytest_subprocess().ret == 0


def test_beside_somebody_elses_marker_and_options_of_these_names(pytester, plugin_args):
    pytester.makeconftest(
        """
        def pytest_addoption(parser):
            parser.addoption("--chaos", action="store_true")
            parser.addoption("--chaos-seed", type=int)

        def pytest_configure(config):
            config.addinivalue_line("markers", "chaos(level): how bad it gets")
        """
    )
    pytester.makepyfile("import pytest\n@pytest.mark.chaos(level=11)\ndef test_theirs(): pass")
    arguments = ("--chaos", "--chaos-seed=3", "--farm-chaos=flaky")
    pytester.runpytest(*plugin_args, *arguments).assert_outcomes(passed=1)


def test_every_fault_is_recorded(pytester, suite, plugin_args, capsys):
    suite(
        """
        import pytest

        @pytest.mark.chaos("shop", fault="503", first=2)
        def test_a(shop):
            assert [shop.get("/orders/1").status_code for _ in range(3)] == [503, 503, 200]
        """
    )
    pytester.runpytest(*plugin_args, "--farm-seed=1").assert_outcomes(passed=1)
    capsys.readouterr()

    assert main(["show", "1", "--json"]) == 0
    assert capsys.readouterr().out.count('"rule": "503 shop"') == 2


def test_fixtures_of_several_tests_wait_in_the_time_of_the_test_they_are_set_up_in(pytester, suite):
    suite(
        """
        import asyncio, time
        import httpx, pytest

        @pytest.fixture(scope="module")
        def stock(chaos):
            async def ask():
                async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
                    await chaos.wrap(client, "shop").get("http://shop.test/", timeout=None)

            began = time.monotonic()
            with chaos.on("shop", fault="latency:60s"):
                asyncio.run(ask())
            return time.monotonic() - began

        def test_one(stock, chaos):
            assert stock >= 60
        """
    )
    pytester.runpytest().assert_outcomes(passed=1)
