"""When the Farm is in use, and what a run that does not use it must not show or leave."""

from __future__ import annotations

import pytest

PLAIN = """
    import pytest
    def test_a(request):
        assert request.node.user_properties == []
    @pytest.mark.parametrize("n", [1, 2])
    def test_b(n): pass
"""


def traces(pytester, result) -> list[str]:
    """Every sign of the Farm: lines of output, files, JUnit properties."""
    lines = [line for line in result.outlines + result.errlines if "aosfarm" in line.lower() or "aos-farm" in line.lower()]
    found = [line for line in lines if not line.startswith(("plugins: ", "rootdir: "))]
    xml = (pytester.path / "junit.xml").read_text()
    return found + ["junit"] * ("farm." in xml) + [str(path) for path in pytester.path.rglob(".aosfarm*")]


@pytest.mark.usefixtures("autoload")
@pytest.mark.parametrize(
    "quiet",
    [
        {},
        {"AOD_BASE_URL": "http://127.0.0.1:9"},
        {"AOD_BASE_URL": "nonsense"},
        {"AOSFARM_TEST_PG": "x"},
        {"AOSFARM_SEED": ""},
    ],
    ids=str,
)
def test_a_repo_that_does_not_use_the_farm_sees_nothing_of_it(pytester, plugin_args, monkeypatch, quiet):
    for name, value in quiet.items():
        monkeypatch.setenv(name, value)
    pytester.makepyfile(PLAIN)
    result = pytester.runpytest("--junitxml=junit.xml", *plugin_args)
    result.assert_outcomes(passed=3)
    assert traces(pytester, result) == []


def test_an_ini_key_is_no_use(pytester, plugin_args):
    pytester.makeini("[pytest]\nfarm_scale = medium\n")
    pytester.makepyfile(PLAIN)
    result = pytester.runpytest("--junitxml=junit.xml", *plugin_args)
    result.assert_outcomes(passed=3)
    assert traces(pytester, result) == []


@pytest.mark.parametrize("how", ["option", "short", "env"])
def test_any_option_or_variable_is_use(pytester, plugin_args, monkeypatch, how):
    pytester.makepyfile("def test_a(): pass")
    if how == "env":
        monkeypatch.setenv("AOSFARM_PROFILE", "clean")
    args = {"option": ["--farm-profile=clean"], "short": ["--scale=medium"], "env": []}[how]
    result = pytester.runpytest(*args, "--junitxml=junit.xml", *plugin_args)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["aosfarm: lab=none*"])
    assert (pytester.path / ".aosfarm" / "farm.db").is_file()
    name = f"{pytester.path.name.rstrip('0123456789')}"
    assert f'<property name="farm.identity" value="{name}' in (pytester.path / "junit.xml").read_text()


def test_a_fixture_is_use_from_then_on_without_a_header(pytester, plugin_args):
    pytester.makepyfile(
        """
        def test_before(request):
            assert request.node.user_properties == []
        def test_using(tenant, request):
            assert dict(request.node.user_properties) == {"farm.identity": tenant.key, "farm.tenant": tenant.key}
        """
    )
    result = pytester.runpytest(*plugin_args)
    result.assert_outcomes(passed=2)
    assert not [line for line in result.outlines if line.startswith("aosfarm:")]
    result.stdout.fnmatch_lines(["AOS-Farm: 2 passed in *"])
    assert (pytester.path / ".aosfarm" / "farm.db").is_file()


def test_labs_travel_with_the_reports(pytester, plugin_args):
    pytester.makeconftest(
        """
        def pytest_runtest_logreport(report):
            if report.when == "call":
                print("@", report.nodeid.split("::")[1], dict(report.user_properties).get("farm.lab"))
        """
    )
    pytester.makepyfile(
        """
        import pytest
        @pytest.mark.lab("aod", "dcl")
        def test_two(tenant): pass
        @pytest.mark.lab("aod")
        def test_one(): pass
        """
    )
    result = pytester.runpytest("--lab=aod", "-s", *plugin_args)
    result.stdout.fnmatch_lines_random(["*@ test_two aod,dcl*", "*@ test_one aod*"])


def test_a_test_that_is_run_again_has_its_properties_once(pytester):
    pytester.makeconftest(
        """
        from _pytest.runner import runtestprotocol
        def pytest_runtest_protocol(item, nextitem):
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            runtestprotocol(item, nextitem=nextitem, log=False)
            item._initrequest()
            for report in runtestprotocol(item, nextitem=nextitem, log=False):
                item.ihook.pytest_runtest_logreport(report=report)
            names = [name for name, _ in item.user_properties]
            print("@", len(names) == len(set(names)))
            return True
        """
    )
    pytester.makepyfile("def test_a(tenant): pass")
    pytester.runpytest("-s").stdout.fnmatch_lines(["*@ True*"])
