"""Chaos in suites with other plugins: re-runs, crashed workers, mocks that are installed, stamina's own test mode."""

from __future__ import annotations

import json

import pytest

from pytest_aosfarm.cli import main


def test_reruns_of_a_red_test_have_one_attempt_each_with_its_faults(pytester, suite, plugin_args):
    suite(
        """
        import pytest
        seen = []

        @pytest.mark.flaky(reruns=1)
        @pytest.mark.chaos("shop", fault="503", first=1)
        def test_a(shop, chaos):
            assert shop.get("/a").status_code == 503
            seen.append(chaos.token)
            assert [call.ordinal for call in chaos.calls] == [1]
            assert seen == [seen[0]] * 2
        """
    )
    result = pytester.runpytest(*plugin_args, "-p", "pytest_rerunfailures")

    assert result.parseoutcomes() == {"passed": 1, "rerun": 1}


@pytest.mark.slow
def test_a_worker_that_dies_takes_no_other_tests_faults_with_it(pytester, suite, capsys):
    suite(
        """
        import os, pytest

        pytestmark = pytest.mark.chaos("shop", fault="503", first=1)

        @pytest.mark.parametrize("n", range(8))
        def test_calls(shop, n):
            assert shop.get(f"/{n}").status_code == 503
            if n == 3:
                os._exit(1)
        """
    )
    result = pytester.runpytest("-n2", "--farm-seed=1")
    result.assert_outcomes(passed=7, failed=1)
    result.stdout.fnmatch_lines(["*crashed while running*test_calls?3?*"])
    capsys.readouterr()

    assert main(["show", "1", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert str(shown).count("'rule': '503 shop'") == 7


def test_mocks_that_are_installed_and_not_used_change_nothing(pytester, suite, plugin_args):
    text = """
        import pytest

        @pytest.mark.parametrize("n", range(5))
        @pytest.mark.chaos("shop", faults=["503", "reset"], rate=0.5, seed=3)
        def test_calls(shop, chaos, n):
            for _ in range(6):
                try:
                    shop.get(f"/{n}")
                except OSError: pass
                except Exception: pass
            print(chaos.log)
            assert 0
        """
    suite(text)
    plain = pytester.runpytest(*plugin_args)
    others = [f"-p{name}" for name in ("pytest_httpx", "respx.plugin", "anyio", "pytest_rerunfailures")]
    beside = pytester.runpytest(*plugin_args, *others)

    assert lines_of_faults(plain) == lines_of_faults(beside) != []


def lines_of_faults(result):
    return sorted(line for line in result.outlines if line.startswith('["shop"'))


def test_faults_with_the_fixture_of_pytest_httpx(pytester, plugin_args):
    pytester.makepyfile(
        """
        import httpx, pytest

        @pytest.fixture
        def shop(chaos):
            with httpx.Client(base_url="http://shop.test", verify=False) as client:
                yield chaos.wrap(client, "shop")

        @pytest.mark.chaos("shop", fault="latency:1h", first=1)
        def test_a(shop, httpx_mock):
            httpx_mock.add_response(status_code=201)
            with pytest.raises(httpx.ReadTimeout):
                shop.get("/a", timeout=5)
            httpx_mock.add_response(status_code=202)
            assert shop.get("/a").status_code == 202
        """
    )
    pytester.runpytest(*plugin_args, "-p", "pytest_httpx").assert_outcomes(passed=1)


def test_stamina_without_waits_is_told(pytester, suite, plugin_args):
    suite(
        """
        import httpx, pytest, stamina

        @pytest.fixture(autouse=True)
        def quick():
            with stamina.set_testing(True, attempts=3):
                yield

        @pytest.mark.chaos("shop", fault="503", first=2)
        def test_a(shop):
            @stamina.retry(on=httpx.HTTPError)
            def call():
                return shop.get("/a").raise_for_status()
            call()
        """
    )
    result = pytester.runpytest(*plugin_args)

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["back-off was not tried: stamina.set_testing() takes the waits out of retries (*test_a)"])


def test_rules_of_every_width_must_fire(pytester, suite, plugin_args):
    suite(
        """
        import httpx, pytest

        @pytest.fixture(scope="session")
        def shop(chaos):
            with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
                client.base_url = "http://shop.test"
                yield chaos.wrap(client, "shop")

        @pytest.mark.parametrize("path", ["/hit", "/miss"])
        @pytest.mark.chaos("shop", fault="503", route="/hit")
        def test_parametrized(shop, path):
            shop.get(path)

        @pytest.mark.chaos("shop", fault="502", route="/class")
        class TestClass:
            def test_hit(self, shop): shop.get("/class")
            def test_miss(self, shop): shop.get("/other")

        @pytest.fixture(scope="session")
        def stormy(shop, chaos):
            with chaos.on("shop", fault="500", route="/session"):
                yield

        @pytest.fixture(scope="session")
        def calm(shop, chaos):
            with chaos.on("shop", fault="501", route="/session"):
                yield

        def test_session_hit(shop, stormy): shop.get("/session")
        def test_session_miss(shop, calm): shop.get("/other")
        """
    )
    result = pytester.runpytest(*plugin_args, "--dist=loadfile" if "-n2" in plugin_args else "-q")

    result.assert_outcomes(passed=4, failed=2, errors=1)
    result.stdout.fnmatch_lines_random(
        [
            "FAILED *test_parametrized?/miss?*",
            "FAILED *TestClass::test_miss*",
            "ERROR *test_session_miss*",
            "E *MustFireError: the chaos rule '501 shop /session' has injected nothing (no call fitted it)*",
        ]
    )
