"""What fixtures of several tests call when they are torn down, and faults that they hold, in the run and run again."""

from __future__ import annotations


def test_the_last_test_has_no_part_in_what_wide_fixtures_do_when_they_are_torn_down(pytester, suite, plugin_args):
    suite(
        """
        import pytest

        @pytest.fixture(scope="module")
        def account(shop):
            assert shop.put("/account").is_success
            yield
            assert shop.delete("/account").is_success

        @pytest.fixture(scope="class")
        def stormy(shop, chaos, account):
            with chaos.on("shop", "/orders", fault="503"):
                yield
            assert shop.get("/account").is_success

        class TestOrders:
            def test_a(self, shop, stormy):
                assert shop.get("/orders").status_code == 503

        def test_red(shop, account):
            assert shop.get("/other").is_success
        """
    )
    red = pytester.runpytest(*plugin_args, "--farm-chaos=blackout")
    red.assert_outcomes(passed=1, failed=1)
    red.stdout.fnmatch_lines(["call 1, shop GET /other: refused -> ConnectError", "*with the same ones: chaos is to blame"])
    red.stdout.no_fnmatch_line("call 2*")


def test_a_control_run_does_not_miss_the_faults_of_a_wide_fixture(pytester, suite):
    suite(
        """
        import pytest

        @pytest.fixture(scope="class")
        def stormy(shop, chaos):
            with chaos.on("shop", fault="503"):
                yield

        class TestOrders:
            def test_red(self, shop, stormy):
                assert shop.get("/orders").is_success
        """
    )
    red = pytester.runpytest()
    red.assert_outcomes(failed=1)
    red.stdout.fnmatch_lines(["*passes without faults, fails again with the same ones: chaos is to blame"])
