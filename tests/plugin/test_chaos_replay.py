"""A red test with faults prints one line that replays it anywhere, and is told whether they are to blame."""

from __future__ import annotations

import re
import shlex

import pytest


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
        (["--farm-replay=AC1:eNqLNtRRKlHSMUy1tLTUiY6NBQAhGgQf"], "*is not what a red test prints (cannot convert*"),
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


def test_what_is_left_of_the_faults_is_said_in_words(pytester, suite, plugin_args):
    suite(
        """
        import pathlib
        import pytest

        pytestmark = pytest.mark.chaos("shop", fault="503")

        def bad(shop, count):
            return {n for n in range(count) if shop.get(f"/{n}").status_code == 503}

        def test_only(shop):
            with open(pathlib.Path(__file__).with_name("runs"), "a") as file:
                file.write("x")
            assert not bad(shop, 1)

        def test_one(shop):
            assert not {1} <= bad(shop, 3)

        def test_both(shop):
            assert not {0, 1} <= bad(shop, 2)
        """
    )
    result = pytester.runpytest(*plugin_args, "--farm-chaos-shrink")

    zero, one = "503 into call 1 of GET /0", "503 into call 1 of GET /1"
    said = [line.strip() for line in result.outlines if " of GET " in line]
    assert sorted(re.sub(r"found in \d+ ", "found in some ", line) for line in said) == [
        f"1 of 3 faults suffices, found in some runs: {one}",
        f"all 2 faults are needed, found in some runs: {zero}, {one}",
        f"its only fault is needed: {zero}",
    ]
    assert (pytester.path / "runs").read_text() == "xxx"


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
