"""A guest: repos with options, markers and fixtures of the same names, and repos that never mention the Farm."""

from __future__ import annotations

import pytest


def test_a_repo_that_does_not_use_the_farm_sees_nothing_of_it(pytester, plugin_args):
    pytester.makepyfile("def test_a(request): assert not request.node.user_properties")
    result = pytester.runpytest(*plugin_args)
    result.assert_outcomes(passed=1)
    text = result.stdout.str().lower()
    assert not any(word in text.replace("aosfarm-0.1.0", "") for word in ("aosfarm:", "aos-farm"))
    assert not (pytester.path / ".aosfarm").exists()


def test_a_base_url_alone_is_not_use(pytester, plugin_args, monkeypatch):
    monkeypatch.setenv("AOD_BASE_URL", "http://127.0.0.1:9")
    pytester.makepyfile("def test_a(): pass")
    result = pytester.runpytest(*plugin_args)
    result.assert_outcomes(passed=1)
    assert "aosfarm:" not in result.stdout.str()


FOREIGN = """
    import pytest
    def pytest_addoption(parser):
        parser.{group}addoption("--scale", type=int, default=3, help="their own")
        parser.{group}addoption("--lab", action="store_true", help="their own")
    def pytest_configure(config):
        config.addinivalue_line("markers", "lab(room): where it is done")
        config.addinivalue_line("markers", "scale(factor): their own")
    @pytest.fixture
    def tenant(): return "their tenant"
"""


@pytest.mark.parametrize("group", ["", "getgroup('theirs')."], ids=["plain", "group"])
def test_what_a_repo_has_of_the_same_names_stays_its_own(pytester, plugin_args, group):
    pytester.makeconftest(FOREIGN.format(group=group))
    pytester.makepyfile(
        """
        import pytest
        @pytest.mark.lab(room=12)
        @pytest.mark.scale(4)
        def test_theirs(tenant, pytestconfig):
            assert tenant == "their tenant"
            assert pytestconfig.getoption("--scale") == 7
            assert pytestconfig.getoption("--lab") is True
        """
    )
    pytester.runpytest("--scale=7", "--lab", "--strict-markers", *plugin_args).assert_outcomes(passed=1)


def test_the_long_options_are_always_there(pytester, plugin_args):
    pytester.makeconftest(FOREIGN.format(group=""))
    pytester.makepyfile("def test_a(pytestconfig): assert pytestconfig.getoption('--scale') == 3")
    result = pytester.runpytest("--farm-scale=medium", *plugin_args)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["aosfarm:*scale medium (option *"])


def test_switched_off(pytester, plugin_args):
    pytester.makepyfile("def test_a(aod): pass")
    result = pytester.runpytest("-p", "no:aosfarm", *plugin_args)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'aod' not found*"])


def test_loaded_by_name_without_autoload(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile("def test_a(tenant): assert tenant.key")
    result = pytester.runpytest_subprocess("-p", "pytest_aosfarm.plugin", "--farm-seed=2")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["aosfarm:*seed 2 *"])


def test_help_names_every_option(pytester):
    from pytest_aosfarm.settings import SETTINGS

    text = pytester.runpytest("--help").stdout.str()
    for setting in SETTINGS:
        assert setting.option in text
        assert setting.ini in text
        assert setting.env in text.replace("\n", " ")
