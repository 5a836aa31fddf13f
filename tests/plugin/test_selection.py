"""The markers only filter: what does not match is deselected and counted; a wrong marker fails its test."""

from __future__ import annotations

import pytest

SUITE = """
    import pytest
    @pytest.mark.lab("aod")
    def test_aod(): pass
    @pytest.mark.lab("aod", "dcl")
    def test_both(): pass
    @pytest.mark.lab(name="dcl")
    def test_dcl(): pass
    def test_plain(): pass
    @pytest.mark.scale("large", "medium")
    def test_sizeable(): pass
    @pytest.mark.lab("aam")
    class TestStacked:
        @pytest.mark.lab("aod")
        def test_stacked(self): pass
"""


def passed(result) -> list[str]:
    return sorted(line.split("::")[-1].split()[0] for line in result.stdout.lines if line.startswith("PASSED"))


@pytest.mark.parametrize(
    ("args", "names"),
    [
        ((), ["test_aod", "test_both", "test_dcl", "test_plain", "test_stacked"]),
        (("--lab=aod",), ["test_aod", "test_both", "test_stacked"]),
        (("--lab=aam,dcl",), ["test_both", "test_dcl", "test_stacked"]),
        (("--scale=large",), ["test_aod", "test_both", "test_dcl", "test_plain", "test_sizeable", "test_stacked"]),
        (("--lab=dcl", "--scale=medium"), ["test_both", "test_dcl"]),
    ],
    ids=" ".join,
)
def test_what_is_kept(pytester, plugin_args, args, names):
    pytester.makepyfile(SUITE)
    result = pytester.runpytest("-rp", *args, *plugin_args)
    assert passed(result) == names
    assert result.ret == 0
    if plugin_args == ("-n2",):  # xdist has no count of its own; the record does
        if args and len(names) < 6:
            result.stdout.fnmatch_lines([f"AOS-Farm: {len(names)} passed, {6 - len(names)} deselected in *"])
    else:
        result.assert_outcomes(passed=len(names), deselected=6 - len(names))


def test_nothing_left_names_the_shipped_suites(pytester, plugin_args):
    pytester.makepyfile("def test_plain(): pass")
    result = pytester.runpytest("--lab=aam", *plugin_args)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(["aosfarm: no test was left for lab aam; *: pytest --pyargs pytest_aosfarm.labs --lab=aam"])


def test_an_empty_directory_names_them_too(pytester, plugin_args):
    result = pytester.runpytest("--lab=aod", *plugin_args)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(["aosfarm: *: pytest --pyargs pytest_aosfarm.labs --lab=aod"])


LABS = "one or more of e2e, aod, aam, dcl"
SCALES = "one or more of small, medium, large, planet"


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("lab('aodd')", f"marker lab('aodd') is not valid; valid: {LABS}"),
        ("lab()", "marker lab() is not valid; *missing*'name'*"),
        ("lab(['aod'])", f"marker lab(['aod']) is not valid; valid: {LABS}"),
        ("lab('aod', room=3)", "marker lab('aod', room=3) is not valid; *unexpected*'room'*"),
        ("scale('tiny')", f"marker scale('tiny') is not valid; valid: {SCALES}"),
        ("farm_id(7)", "marker farm_id(7) is not valid; valid: one text with at least one visible character"),
        ("farm_id('a', 'b')", "marker farm_id('a', 'b') is not valid; *"),
    ],
)
def test_a_wrong_marker_fails_its_test_and_no_other(pytester, plugin_args, marker, message):
    pytester.makepyfile(
        f"""
        import pytest
        @pytest.mark.lab("aod")
        def test_fine(): pass
        @pytest.mark.{marker}
        def test_wrong(): pass
        """
    )
    result = pytester.runpytest("--lab=aod", *plugin_args)
    result.assert_outcomes(passed=1, errors=1, deselected=0)
    result.stdout.fnmatch_lines([f"aosfarm: {message.replace('[', '[[]')}"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_wrong_farm_id_fails_the_test_that_has_a_tenant_even_without_use(pytester, plugin_args):
    pytester.makepyfile(
        """
        import pytest
        @pytest.mark.farm_id("")
        def test_wrong(tenant): pass
        @pytest.mark.farm_id("")
        def test_unconcerned(): pass
        """
    )
    result = pytester.runpytest(*plugin_args)
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(["aosfarm: marker farm_id('') is not valid*"])


def test_markers_are_explained(pytester):
    text = pytester.runpytest("--markers").stdout
    text.fnmatch_lines(["@pytest.mark.lab(name, ...):*", "@pytest.mark.scale(name, ...):*", "@pytest.mark.farm_id(name):*"])
