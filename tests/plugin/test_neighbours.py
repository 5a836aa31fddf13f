"""A guest: repos with options, markers and fixtures of the same names, and pytest told not to load the plugin."""

from __future__ import annotations

import pytest

from pytest_aosfarm.settings import SETTINGS

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
THEIRS = """
    import pytest
    @pytest.mark.lab(room=12)
    @pytest.mark.scale(4)
    def test_theirs(tenant, pytestconfig):
        assert tenant == "their tenant"
        assert pytestconfig.getoption("--scale") == 7
        assert pytestconfig.getoption("--lab") is True
"""


@pytest.mark.parametrize("group", ["", "getgroup('theirs')."], ids=["plain", "group"])
@pytest.mark.parametrize("use", [(), ("--farm-seed=2", "--farm-scale=large")], ids=["unused", "in-use"])
def test_what_a_repo_has_of_the_same_names_stays_its_own(pytester, plugin_args, group, use):
    pytester.makeconftest(FOREIGN.format(group=group))
    pytester.makepyfile(THEIRS)
    result = pytester.runpytest("--scale=7", "--lab", "--strict-markers", *use, *plugin_args)
    result.assert_outcomes(passed=1)


def test_an_option_of_a_plugin_stays_its_own_too(pytester, plugin_args, monkeypatch):
    # Of two plugins' fixtures pytest takes the later plugin's; only a conftest is sure to win.
    pytester.makepyfile(their_plugin=FOREIGN.format(group=""))
    pytester.makepyfile(test_it=THEIRS.replace("assert tenant ==", "_ ="))
    # In a process of its own: xdist gives its workers the path of the process in which it was first imported.
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))
    pytester.runpytest_subprocess("-p", "their_plugin", "--scale=7", "--lab", *plugin_args).assert_outcomes(passed=1)


def test_a_required_option_of_theirs_changes_nothing(pytester, plugin_args):
    pytester.makeconftest("def pytest_addoption(parser): parser.addoption('--room', required=True)")
    pytester.makepyfile("def test_a(): pass")
    result = pytester.runpytest("--scale=medium", "--room=12", *plugin_args)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["aosfarm:*scale=medium (option --scale)*"])


def test_one_short_option_taken_leaves_the_other(pytester, plugin_args):
    pytester.makeconftest("def pytest_addoption(parser): parser.addoption('--scale', type=int, default=3)")
    pytester.makepyfile("import pytest\n@pytest.mark.lab('aod')\ndef test_a(): pass\ndef test_b(): pass\n")
    result = pytester.runpytest("--lab=aod", "--scale=9", "--farm-scale=medium", *plugin_args)
    result.assert_outcomes(passed=1, deselected=0 if plugin_args == ("-n2",) else 1)
    result.stdout.fnmatch_lines(["aosfarm:*scale=medium (option --farm-scale)*"])


def test_labs_are_still_found_beside_foreign_lab_marks(pytester, plugin_args):
    pytester.makeconftest(FOREIGN.format(group=""))
    pytester.makepyfile(
        """
        import pytest
        @pytest.mark.lab("aod")
        def test_ours(): pass
        @pytest.mark.lab(room=12)
        def test_theirs(): pass
        """
    )
    result = pytester.runpytest("--farm-lab=aod", "-rp", *plugin_args)
    result.assert_outcomes(passed=1, deselected=0 if plugin_args == ("-n2",) else 1)
    result.stdout.fnmatch_lines(["PASSED *::test_ours"])


def test_our_fixtures_say_that_tenant_is_not_ours(pytester, plugin_args):
    pytester.makeconftest(FOREIGN.format(group=""))
    pytester.makepyfile("def test_a(synthetic_assets): pass")
    result = pytester.runpytest(*plugin_args)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["aosfarm: the fixture `tenant` of this test is not the Farm's, it gave a str; rename it, or *farm.tenant(key)"]
    )


def test_a_repo_may_choose_its_tenants(pytester, plugin_args):
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef tenant(farm): return farm.tenant('acme')\n")
    pytester.makepyfile(
        """
        def test_a(farm, synthetic_assets, request):
            assert synthetic_assets.hosts[0] == farm.dataset(farm.tenant("acme")).assets.hosts[0]
            assert ("farm.tenant", "acme") in request.node.user_properties
        """
    )
    pytester.runpytest(*plugin_args).assert_outcomes(passed=1)


@pytest.mark.usefixtures("autoload")
def test_switched_off(pytester, plugin_args):
    pytester.makepyfile("def test_a(aod): pass")
    result = pytester.runpytest("-p", "no:aosfarm", *plugin_args)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'aod' not found*"])
    assert "pytest_aosfarm" not in result.stdout.str()


@pytest.mark.usefixtures("autoload")
@pytest.mark.parametrize("name", ["aosfarm", "pytest_aosfarm.plugin"])
@pytest.mark.parametrize("xdist", [(), pytest.param(("-p", "xdist", "-n2"), marks=pytest.mark.slow)], ids=["no-xdist", "n2"])
def test_loaded_by_name_without_autoload(pytester, monkeypatch, name, xdist):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile("import pytest\n@pytest.mark.lab('aod')\ndef test_a(tenant): assert tenant.key\n")
    result = pytester.runpytest_subprocess("-p", name, "--lab=aod", "-W", "error", *xdist)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["aosfarm: lab=aod (option --lab)*"])


@pytest.mark.usefixtures("autoload")
def test_named_and_found_is_loaded_once(pytester, plugin_args):
    pytester.makepyfile("def test_a(tenant): assert tenant.key")
    pytester.runpytest("-p", "aosfarm", "-W", "error", *plugin_args).assert_outcomes(passed=1)


def test_strict_mode_has_nothing_to_object(pytester, plugin_args):
    pytester.makepyprojecttoml('[tool.pytest]\nstrict = true\nfilterwarnings = ["error"]\nfarm_scale = "small"\n')
    pytester.makepyfile(
        """
        import pytest
        @pytest.mark.lab("aod")
        @pytest.mark.scale("small")
        @pytest.mark.farm_id("X")
        def test_a(tenant): pass
        """
    )
    pytester.runpytest("--farm-seed=2", *plugin_args).assert_outcomes(passed=1)


def test_help_names_every_option(pytester, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    text = pytester.runpytest("--help").stdout.str()
    for setting in SETTINGS:
        names = [setting.option, setting.short or "", setting.ini, setting.env]
        assert [name for name in names if name not in text] == []


def test_a_double_dash_and_a_bad_value_of_theirs_change_nothing(pytester, plugin_args):
    pytester.makeconftest("def pytest_addoption(parser): parser.addoption('--room', type=int)")
    pytester.makepyfile(test_it="def test_a(): pass")
    pytester.runpytest("--scale=medium", *plugin_args, "--", "test_it.py").assert_outcomes(passed=1)
    result = pytester.runpytest("--scale=medium", "--room=twelve", *plugin_args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*argument --room: invalid int value: 'twelve'"])
