"""A red test that is run again disturbs nobody: wider fixtures, the session's end, a debugger, the patched clock."""

from __future__ import annotations

import asyncio
import re
import time

import pytest

MARKED = "@pytest.mark.chaos('shop', fault='503')"


def test_what_serves_several_tests_is_set_up_once(pytester, suite, plugin_args):
    suite(
        f"""
        import pathlib, unittest
        import pytest

        def say(word):
            with open(pathlib.Path(__file__).with_name("said"), "a") as file:
                file.write(word + " ")

        def setup_module(): say("module")

        @pytest.fixture(scope="session")
        def of_session():
            say("session")
            yield
            say("session-end")

        class TestShop:
            @classmethod
            def setup_class(cls): say("class")
            def setup_method(self): self.said = []

            @pytest.mark.parametrize("n", ["a b", "]["])
            {MARKED}
            def test_red(self, shop, of_session, n, request):
                say(f"red-{{n}}".replace(" ", "_"))
                assert self.said == []
                self.said.append(n)
                request.node.add_marker("usefixtures")
                assert shop.get("/").is_success

        class TestOld(unittest.TestCase):
            @classmethod
            def setUpClass(cls): say("old-class")

            @pytest.fixture(autouse=True)
            def with_shop(self, shop): self.shop = shop

            {MARKED}
            def test_old(self):
                say("old")
                self.assertEqual(self.shop.get("/").status_code, 200)

        def test_last(of_session): say("last")
        """
    )
    red = pytester.runpytest(*plugin_args, "--dist=loadfile")
    red.assert_outcomes(failed=3, passed=1)
    assert len([line for line in red.outlines if line.endswith("fails again with the same ones: chaos is to blame")]) == 3
    # A class is set up anew after its last test, which has torn it down.
    tests = ["class", *["red-a_b"] * 3, "red-][", *["class", "red-]["] * 2, *["old-class", "old"] * 3, "last"]
    said = (pytester.path / "said").read_text().split()
    assert [word for word in said if word not in {"module", "session", "session-end"}] == tests
    assert sorted(said[:2]) == ["module", "session"]
    assert said.count("module") == said.count("session") == said.count("session-end") == 1


def test_a_session_that_stops_leaves_nothing_set_up(pytester, suite):
    suite(
        f"""
        import pytest

        @pytest.fixture(scope="session")
        def of_session(request):
            print("<up>")
            yield
            print(f"<down {{request.config.stash.get(ended, False)}}>")

        ended = pytest.StashKey()

        @pytest.fixture(autouse=True, scope="session")
        def end(request):
            class End:
                @pytest.hookimpl(tryfirst=True)
                def pytest_sessionfinish(self, session): session.config.stash[ended] = True
            request.config.pluginmanager.register(End())

        {MARKED}
        def test_red(shop, of_session): assert shop.get("/").is_success

        def test_next(of_session): pass
        """
    )
    red = pytester.runpytest("-x", "-s")
    assert re.findall("<(.*?)>", red.stdout.str().partition("FAILURES")[0]) == ["up", "down False"] * 3


@pytest.mark.parametrize("stop", ["raise KeyboardInterrupt", pytest.param("pytest.exit('enough')", marks=pytest.mark.slow)])
@pytest.mark.parametrize("run", [1, 2], ids=["the run", "the control run"])
def test_an_interrupted_test_leaves_nothing_patched(pytester, suite, stop, run):
    suite(
        f"""
        import pytest
        runs = []

        @pytest.mark.chaos("shop", fault="latency:1s")
        def test_red(shop):
            runs.append(shop.get("/"))
            if len(runs) == {run}:
                {stop}
            assert False
        """
    )
    before = time.sleep, time.monotonic, asyncio.sleep
    assert pytester.inline_run(no_reraise_ctrlc=True).ret == pytest.ExitCode.INTERRUPTED
    assert (time.sleep, time.monotonic, asyncio.sleep) == before


def test_failures_on_other_lines_are_others(pytester, suite):
    suite(
        f"""
        import pytest
        runs = []

        {MARKED}
        def test_red_otherwise(shop):
            runs.append(shop.get("/").is_success)
            if runs == [False]:
                pytest.fail("first")
            if not runs[-1]:
                pytest.fail("then")

        {MARKED}
        def test_red(shop):
            if not shop.get("/").is_success:
                pytest.fail("with")
            pytest.fail("without")
        """
    )
    red = pytester.runpytest()
    red.stdout.fnmatch_lines(
        [
            "*::test_red_otherwise: passes without faults, fails otherwise with the same ones (Failed at *.py:10)",
            "*::test_red: fails without faults, too, but otherwise (Failed at *.py:16)",
        ]
    )


@pytest.mark.parametrize(
    ("options", "announced"),
    [
        (["-s"], True),
        (["--capture=tee-sys"], True),
        (["-o", "log_cli=true"], True),
        (["--log-cli-level=INFO"], True),
        (["-s", "-p", "no:logging"], True),
        (["-p", "no:capture", "-p", "no:terminal"], False),
        ([], False),
    ],
)
def test_output_that_is_shown_at_once_says_of_which_run_it_is(pytester, suite, options, announced):
    suite(
        f"""
        import logging
        import pytest
        {MARKED}
        def test_red(shop):
            bad = [n for n in range(2) if not shop.get(f"/{{n}}").is_success]
            print(f"<bad {{len(bad)}}>")
            logging.getLogger().warning("<bad %s>", len(bad))
            assert not bad

        def test_next(): pass
        """
    )
    red = pytester.runpytest(*options)
    said = [line.partition("::")[2] for line in red.outlines if line.startswith("aosfarm: ")]
    assert said == (["test_red, again with 2 faults", "test_red, again without faults"] if announced else [])
    if announced:
        red.stdout.fnmatch_lines(["*<bad 2>*", "*with 2 faults", "*<bad 2>*", "*without faults", "*<bad 0>*", "*FAILURES*"])


def test_subtests_are_reported_once(pytester, suite, plugin_args):
    suite(
        f"""
        import unittest
        import pytest

        {MARKED}
        def test_red(shop, subtests):
            for n in range(3):
                with subtests.test(n=n):
                    assert shop.get("/").is_success

        class TestOld(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def with_shop(self, shop): self.shop = shop

            {MARKED}
            def test_old(self):
                with self.subTest(n=4):
                    self.assertTrue(self.shop.get("/").is_success)
        """
    )
    red = pytester.runpytest(*plugin_args)
    # pytest 9.2 writes the repr of a value once more for a report that comes from a worker: n='0'.
    failed = [line.split()[0].replace("'", "") for line in red.outlines if line.startswith("SUBFAILED")]
    assert sorted(failed) == ["SUBFAILED(n=0)", "SUBFAILED(n=1)", "SUBFAILED(n=2)", "SUBFAILED(n=4)"]
    red.stdout.no_fnmatch_line("*subtests passed*")
    red.stdout.fnmatch_lines_random(["*test_red: is not run again, as its subtests would be reported twice"])
    red.stdout.fnmatch_lines(["shop *0/2*0/2"])


@pytest.mark.parametrize("name", ["timeout", "pytest_timeout"])
def test_every_run_of_a_test_that_hangs_is_ended(pytester, suite, plugin_args, name):
    suite(
        """
        import pytest
        import timer

        runs = []

        @pytest.mark.chaos("shop", fault="503", first=1)
        def test_hangs(shop):
            runs.append(shop.get("/").is_success)
            if runs == [False]:
                timer.hang()
            elif not runs[-1]:
                timer.hang()

        @pytest.mark.chaos("shop", fault="503", first=1)
        def test_hangs_without(shop):
            assert shop.get("/").is_success
            timer.hang()

        @pytest.mark.chaos("shop", fault="503", first=1)
        def test_hangs_anyway(shop):
            shop.get("/")
            timer.hang()
        """
    )
    # As pytest-timeout does it: set around the whole of a test, it rings once, anywhere. Nobody waits here.
    pytester.makepyfile(
        timer=f"""
        import pytest
        rings = False

        def hang():
            global rings
            __tracebackhide__ = True
            assert rings, "nobody would ever end this"
            rings = False
            pytest.fail("Timeout (>1.0s) from pytest-timeout.")

        class Timer:
            @pytest.hookimpl(hookwrapper=True)
            def pytest_runtest_protocol(self, item):
                global rings
                rings = True
                yield
                rings = False

        def pytest_configure(config):
            config.pluginmanager.register(Timer(), {name!r})
        """
    )
    conftest = pytester.path / "conftest.py"
    conftest.write_text(conftest.read_text() + "\nfrom timer import pytest_configure\n")
    red = pytester.runpytest(*plugin_args)
    red.assert_outcomes(failed=3)
    red.stdout.fnmatch_lines_random(
        [
            "*::test_hangs: passes without faults, fails again with the same ones: chaos is to blame",
            "*::test_hangs_without: fails without faults, too, but otherwise (a timeout at any line)",
            "*::test_hangs_anyway: fails in the same way without faults: chaos is not to blame",
        ]
    )


@pytest.mark.parametrize("option", ["--pdb", "--trace"])
def test_with_a_debugger_a_test_runs_once(pytester, suite, option):
    suite(
        f"""
        import pytest
        {MARKED}
        def test_red(shop):
            print("R" "UN")
            assert shop.get("/").is_success
        """
    )
    pytester.makepyfile(
        quiet="""
        import pdb
        class Quiet(pdb.Pdb):
            def interaction(self, *_): pass
            set_trace = interaction
        """
    )
    pytester.syspathinsert()
    red = pytester.runpytest("-s", option, "--pdbcls=quiet:Quiet")
    assert "".join(red.outlines).count("RUN") == 1
    red.stdout.no_fnmatch_line("*to blame*")


def test_the_calls_of_a_test_are_forgotten_when_it_has_ended(pytester, suite):
    suite(
        """
        import gc, weakref
        kept = []

        def test_a(shop, chaos):
            with chaos.on("shop", fault="503"):
                shop.get("/")
            kept.append(weakref.ref(chaos.scope))

        def test_b(chaos):
            gc.collect()
            assert kept[0]() is None
        """
    )
    pytester.runpytest().assert_outcomes(passed=2)
