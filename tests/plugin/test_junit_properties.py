"""pytest's own JUnit XML says which run it is of and what each test is called, in both families, with xdist and without."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from recorded_runs import only_run

from pytest_aosfarm.exports.junit_import import survey

SUITE = """
    import pytest

    @pytest.mark.lab("aod")
    @pytest.mark.farm_id("first")
    def test_a(): pass

    @pytest.mark.parametrize("x", [1])
    def test_b(x): assert 0

    @pytest.mark.skip
    def test_c(): pass
"""


def properties(element: ET.Element | None) -> dict[str, str]:
    assert element is not None
    return {one.get("name", ""): one.get("value", "") for one in element.iterfind("properties/property")}


@pytest.mark.parametrize("family", ["xunit1", "xunit2"])
def test_run_and_identities_are_in_the_file(
    pytester: pytest.Pytester, plugin_args: tuple[str, ...], family: str
) -> None:
    path = pytester.makepyfile(SUITE)
    settings = ("--farm-seed=7", "--scale=medium", "--farm-tenant=acme", "-o", f"junit_family={family}")
    result = pytester.runpytest("--junitxml=junit.xml", *settings, *plugin_args)
    assert "incompatible" not in str(result.stdout)
    suite = ET.parse(pytester.path / "junit.xml").getroot().find("testsuite")
    assert suite is not None
    said = properties(suite)
    assert said == {
        "farm.run_uuid": said["farm.run_uuid"], "farm.seed": "7", "farm.scale": "medium", "farm.profile": "typical",
        "farm.anchor": "2026-01-15T12:00:00+00:00", "farm.lab": "aod", "farm.data_tenant": "acme",
        "farm.workers": "2" if "-n2" in plugin_args else "0",
    }  # fmt: skip
    identities = {case.get("name"): properties(case).get("farm.identity") for case in suite.iter("testcase")}
    assert identities == {"test_a": "first", "test_b[1]": f"{path.stem}::test_b[1]", "test_c": f"{path.stem}::test_c"}
    assert survey([pytester.path / "junit.xml"]).properties["farm.run_uuid"] == said["farm.run_uuid"]


def test_the_uuid_is_that_of_the_record(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_a(tenant): pass")
    pytester.runpytest("--junitxml=junit.xml", "--farm-tenant=default")
    suite = ET.parse(pytester.path / "junit.xml").getroot().find("testsuite")
    assert properties(suite)["farm.run_uuid"] == only_run(pytester.path)["uuid"]


def test_a_run_without_the_farm_has_the_file_it_always_had(
    pytester: pytest.Pytester, plugin_args: tuple[str, ...]
) -> None:
    pytester.makepyfile("def test_a(): pass")
    pytester.runpytest("--junitxml=junit.xml", *plugin_args)
    assert "farm." not in (pytester.path / "junit.xml").read_text()
