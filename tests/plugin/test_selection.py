"""The markers only filter: what does not match is deselected and counted; a wrong marker fails its test."""

from __future__ import annotations

import pytest

SUITE = """
    import pytest
    @pytest.mark.lab("aod")
    def test_aod(): pass
    @pytest.mark.lab("aod", "dcl")
    def test_both(): pass
    @pytest.mark.lab("dcl")
    def test_dcl(): pass
    def test_plain(): pass
    @pytest.mark.scale("large", "medium")
    def test_sizeable(): pass
"""


def passed(result) -> list[str]:
    return sorted(line.split("::")[1].split()[0] for line in result.stdout.lines if line.startswith("PASSED"))


@pytest.mark.parametrize(
    ("args", "names"),
    [
        ((), ["test_aod", "test_both", "test_dcl", "test_plain"]),
        (("--lab=aod",), ["test_aod", "test_both"]),
        (("--lab=aod,dcl",), ["test_aod", "test_both", "test_dcl"]),
        (("--scale=large",), ["test_aod", "test_both", "test_dcl", "test_plain", "test_sizeable"]),
        (("--lab=dcl", "--scale=medium"), ["test_both", "test_dcl"]),
    ],
)
def test_what_is_kept(pytester, plugin_args, args, names):
    pytester.makepyfile(SUITE)
    result = pytester.runpytest("-rp", *args, *plugin_args)
    assert passed(result) == names
    assert result.ret == 0
    if plugin_args != ("-n2",):
        result.assert_outcomes(passed=len(names), deselected=5 - len(names))


def test_nothing_left_names_the_shipped_suites(pytester, plugin_args):
    pytester.makepyfile("def test_plain(): pass")
    result = pytester.runpytest("--lab=aam", *plugin_args)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(["*pytest --pyargs pytest_aosfarm.labs --lab=aam"])


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("lab('aodd')", "marker lab('aodd') is not valid; valid: one or more of e2e, aod, aam, dcl, as text"),
        ("lab()", "marker lab() is not valid*"),
        ("lab(name='aod')", "marker lab(name='aod') is not valid*"),
        ("scale('tiny')", "marker scale('tiny') is not valid; valid: one or more of small, medium, large, planet, as text"),
        ("farm_id()", "marker farm_id() is not valid; valid: one name, as text"),
        ("farm_id(7)", "marker farm_id(7) is not valid*"),
    ],
)
def test_a_wrong_marker_fails_its_test_and_no_other(pytester, plugin_args, marker, message):
    pytester.makepyfile(
        f"""
        import pytest
        @pytest.mark.lab("aod")
        def test_fine(): pass
        @pytest.mark.lab("aod")
        @pytest.mark.{marker}
        def test_wrong(): pass
        """
    )
    result = pytester.runpytest("--lab=aod", *plugin_args)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([f"*aosfarm: {message.replace('[', '[[]')}"])
