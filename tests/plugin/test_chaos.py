"""Chaos in somebody's repo: faults are injected, say so, replay from one line, and say who is to blame."""

from __future__ import annotations

import re
import shlex

import pytest

from pytest_aosfarm.cli import main

CONFTEST = """
    import httpx
    import pytest

    def answer(request):
        return httpx.Response(200, json={"path": request.url.path})

    @pytest.fixture(scope="module")
    def shop(chaos):
        with httpx.Client(transport=httpx.MockTransport(answer), base_url="http://shop.test") as client:
            yield chaos.wrap(client, "shop")
"""


@pytest.fixture
def suite(pytester):
    """A function that writes a suite beside a client `shop`."""

    def write(text):
        pytester.makeconftest(CONFTEST)
        pytester.makepyfile(text)

    return write


def replays_of(result):
    """The arguments of each line that replays."""
    return [shlex.split(line.partition("pytest ")[2]) for line in result.outlines if re.search(r"^replay: pytest ", line)]


def test_a_red_test_prints_the_line_that_replays_it(pytester, suite, plugin_args):
    suite(
        """
        import pytest

        @pytest.mark.parametrize("n", range(6))
        @pytest.mark.chaos("shop", fault="503", rate=0.3)
        def test_orders(shop, n):
            assert all(shop.get(f"/orders/{i}").is_success for i in range(4))

        def test_calm(shop):
            assert all(shop.get(f"/orders/{i}").is_success for i in range(40))
        """
    )
    red = pytester.runpytest(*plugin_args, "--farm-chaos-seed=5")
    failed = {line.split()[1] for line in red.outlines if line.startswith("FAILED")}
    replays = replays_of(red)

    assert 0 < len(replays) < 6
    assert {words[0] for words in replays} == failed
    again = pytester.runpytest(*plugin_args, *replays[0])
    again.assert_outcomes(failed=1)
    assert replays_of(again) == replays[:1]
    again.stdout.fnmatch_lines(["*passes without faults, fails again with the same ones: chaos is to blame"])


def test_a_token_alone_finds_its_test_and_wins_over_every_policy(pytester, suite):
    suite(
        """
        import pytest

        @pytest.mark.chaos("shop", fault="503", rate=0.5)
        def test_orders(shop):
            assert [shop.get("/orders").status_code for _ in range(8)] == []
        """
    )
    token = replays_of(pytester.runpytest("--farm-chaos-seed=9"))[0][-1]
    suite(
        """
        def test_orders(shop):
            assert [shop.get("/orders").status_code for _ in range(8)] == []

        def test_other(shop): pass
        """
    )
    result = pytester.runpytest(token, "--farm-chaos=blackout")

    result.assert_outcomes(failed=1, deselected=1)
    assert replays_of(result)[0][-1] == token


def test_a_replay_that_goes_another_way_is_red(pytester, suite):
    text = """
        import pytest

        @pytest.mark.chaos("shop", fault="503", first=3)
        def test_orders(shop):
            assert [shop.get("/orders").status_code for _ in range(CALLS)][-1] == 200
        """
    suite(text.replace("CALLS", "3"))
    token = replays_of(pytester.runpytest())[0][-1]
    suite(text.replace("CALLS", "2").replace("== 200", "== 503"))
    result = pytester.runpytest(token)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*gone another way: the test did not make call 3 of GET /orders to shop, for which 503*"])


def test_a_replay_of_nothing_that_is_here_says_so(pytester, suite):
    suite("import pytest\n@pytest.mark.chaos('shop', fault='503')\ndef test_a(shop): assert shop.get('/').is_success")
    token = replays_of(pytester.runpytest())[0][-1]
    suite("def test_b(): pass")
    result = pytester.runpytest(token)

    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(["*the test of this --farm-replay is not among those that were collected"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--farm-chaos=stormy"], "*chaos 'stormy' is neither a preset nor a file; presets: off, gentle*"),
        (["--farm-replay=AC1:abc"], "*replay 'AC1:abc' is not what a red test prints*copy the whole line"),
        (["--farm-replay=hello"], "*replay 'hello' is not what a red test prints (it should begin with 'AC1:')*"),
        (["--farm-chaos-time=fast"], "*chaos_time 'fast' (from option --farm-chaos-time) is not valid; valid: virtual*"),
    ],
)
def test_a_wrong_option_is_one_line_before_any_test(pytester, suite, arguments, says, plugin_args):
    suite("def test_a(): pass")
    result = pytester.runpytest(*plugin_args, *arguments)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([says])
    result.stdout.no_fnmatch_line("*test_a*")


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


def test_who_is_to_blame(pytester, suite, plugin_args):
    suite(
        """
        import pytest

        pytestmark = pytest.mark.chaos("shop", fault="503", first=1)
        runs = []

        def test_chaos(shop):
            assert shop.get("/").is_success

        def test_itself(shop):
            shop.get("/")
            assert 1 == 2

        def test_flaky(shop):
            runs.append(shop.get("/"))
            assert len(runs) > 1

        @pytest.mark.chaos(preset="off")
        def test_calm(shop):
            assert shop.get("/").is_success
        """
    )
    result = pytester.runpytest(*plugin_args)

    result.assert_outcomes(failed=3, passed=1)
    result.stdout.fnmatch_lines_random(
        [
            "*::test_chaos: passes without faults, fails again with the same ones: chaos is to blame",
            "*::test_itself: fails in the same way without faults: chaos is not to blame",
            "*::test_flaky: passes without faults, and now with the same ones, too: it does not depend on them alone",
            "shop *",
        ]
    )
    pytester.runpytest(*plugin_args, "-o", "farm_chaos_control=false").stdout.no_fnmatch_line("*to blame*")


def test_the_fewest_faults_are_found(pytester, suite, plugin_args):
    suite(
        """
        import pytest

        @pytest.mark.chaos("shop", fault="503")
        def test_two(shop):
            bad = [n for n in range(9) if shop.get(f"/orders/{n}").status_code == 503]
            assert not {2, 7} <= set(bad)
        """
    )
    result = pytester.runpytest(*plugin_args, "--farm-chaos-shrink")

    result.stdout.fnmatch_lines(
        ["*  2 of 9 faults suffice, found in * runs: 503 into call 1 of GET /orders/2, 503 into call 1 of GET /orders/7"]
    )
    line = next(line for line in result.outlines if line.startswith("  pytest "))
    small = pytester.runpytest(*plugin_args, *shlex.split(line)[1:])
    small.assert_outcomes(failed=1)
    assert len([line for line in small.outlines if line.startswith("call ")]) == 2


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


def test_beside_another_plugin_with_these_names(pytester, suite, plugin_args, monkeypatch):
    pytester.syspathinsert()
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))
    pytester.makepyfile(
        storm="""
        import pytest

        def pytest_addoption(parser):
            parser.addoption("--chaos", action="store_true")
            parser.addoption("--chaos-seed", type=int)

        def pytest_configure(config):
            config.addinivalue_line("markers", "chaos(level): how bad it gets")
        """,
        test_a="""
        import pytest

        @pytest.mark.chaos(level=11)
        def test_theirs(): pass
        """,
    )
    arguments = ("-p", "storm", "--chaos", "--chaos-seed=3", "--farm-chaos=flaky")
    pytester.runpytest(*plugin_args, *arguments).assert_outcomes(passed=1)


def test_a_test_that_is_rerun_has_the_same_faults_each_time(pytester, suite, plugin_args):
    suite(
        """
        import pytest
        runs = []

        @pytest.mark.flaky(reruns=2)
        @pytest.mark.chaos("shop", fault="503", rate=0.4)
        def test_a(shop, chaos, record_property):
            for n in range(20):
                shop.get(f"/{n}")
            runs.append(chaos.log)
            record_property("same", len(set(runs)))
            assert len(runs) > 2 and len(set(runs)) == 1 and runs[0]
        """
    )
    result = pytester.runpytest(*plugin_args, "-p", "pytest_rerunfailures")

    assert result.parseoutcomes() == {"passed": 1, "rerun": 2}


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
