"""What went wrong is told in few words: type, place, and a signature that the accidents of a run do not change."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.recording.failures import OUTPUT_LIMIT, clean, cut, failure_of, headline, masked, message_of, outputs_of

if TYPE_CHECKING:
    from uuid import UUID


def place(path: str, line: int, message: str = "") -> SimpleNamespace:
    return SimpleNamespace(path=path, lineno=line, message=message)


def report(message: str, *places: tuple[str, int]) -> Any:
    """A report of pytest whose traceback has these places, outermost first; the last one raised."""
    entries = [SimpleNamespace(reprfileloc=place(*one)) for one in places]
    crash = place(*(places or [("/elsewhere/x.py", 1)])[-1], message)
    return SimpleNamespace(
        longrepr=SimpleNamespace(reprcrash=crash, reprtraceback=SimpleNamespace(reprentries=entries)), sections=[]
    )


def text_report(text: str) -> Any:
    return SimpleNamespace(longrepr=text, sections=[])


def failure(one: Any) -> Any:
    return failure_of(one, message_of(one), "/repo", "/repo/sub")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("ValueError: no luck", "ValueError"),
        ("ValueError", "ValueError"),
        ("assert 1 == 2\n +  where 1 = f()", "AssertionError"),
        ("AssertionError: said so\nassert False", "AssertionError"),
        ("requests.exceptions.ReadTimeout: slow", "requests.exceptions.ReadTimeout"),
        ("t.test_x.<locals>.Odd: it", "t.test_x.<locals>.Odd"),
        ("Failed: DID NOT RAISE <class 'ValueError'>", "Failed"),
        ("two words: no type", None),
        ("", None),
    ],
)
def test_the_type_of_the_error(message: str, kind: str | None) -> None:
    assert failure(report(message, ("/repo/t.py", 1))).error_type == kind


def test_an_error_that_pytest_has_only_as_text() -> None:
    missing = "file /repo/t.py, line 4\n  def test(nope): pass\nE       fixture 'nope' not found\n\n/repo/t.py:4"
    assert failure(text_report(missing)).error_type is None
    broken = "test_bad.py:1: in <module>\n    import nowhere\nE   ModuleNotFoundError: No module named 'nowhere'"
    found = failure(text_report(broken))
    assert (found.error_type, found.error_location) == ("ModuleNotFoundError", "sub/test_bad.py:1")
    crash = failure(text_report("worker 'gw0' crashed while running 't.py::t'"))
    assert (crash.error_type, crash.error_location) == (None, None)
    assert failure(text_report("said: by pytest.fail without a traceback")).error_type is None


@pytest.mark.parametrize(
    ("places", "location"),
    [
        ([("/repo/t.py", 3)], "t.py:3"),
        ([("/repo/t.py", 3), ("/usr/lib/python3/json.py", 90)], "t.py:3"),
        ([("/repo/t.py", 3), ("/repo/helpers/x.py", 7), ("/usr/lib/python3/json.py", 90)], "helpers/x.py:7"),
        ([("/repo/t.py", 3), ("/repo/.venv/lib/python3/site-packages/httpx.py", 7)], "t.py:3"),
        ([("t.py", 3)], "sub/t.py:3"),
        ([("../t.py", 3)], "t.py:3"),
        ([("/usr/lib/python3/json.py", 90)], "/usr/lib/python3/json.py:90"),
        ([], "/elsewhere/x.py:1"),
    ],
)
def test_the_place_is_the_innermost_in_the_root_directory(places: list[tuple[str, int]], location: str) -> None:
    assert failure(report("ValueError: x", *places)).error_location == location


def test_a_plugin_may_put_anything_into_a_report() -> None:
    odd = SimpleNamespace(longrepr=SimpleNamespace(reprcrash=place("/repo/t.py", 3, "E: x")), sections=[])
    assert failure(odd).error_location == "t.py:3"
    assert outputs_of([SimpleNamespace(longrepr=7, sections=[])], [("odd", "x"), ("Captured stdout", "x")]) == {
        "longrepr": "7"
    }


@given(st.integers(0), st.integers(0), st.uuids(), st.uuids())
def test_the_signature_does_not_see_numbers_ids_paths_and_addresses(a: int, b: int, one: UUID, other: UUID) -> None:
    def signature(number: int, unique: UUID) -> str:
        text = (
            f"ValueError: {number} of 0x{number:x} for {unique} or host-{unique.hex} in /tmp/pytest-{number}/x{number}/y.py "
            f"after {number / 7}"
        )
        return str(failure(report(text, ("/repo/t.py", number + 1))).error_signature)

    assert signature(a, one) == signature(b, other)


def test_the_signature_sees_type_words_and_file() -> None:
    signatures = {
        failure(report(message, (path, 1))).error_signature
        for message in ("ValueError: no luck", "KeyError: no luck", "ValueError: bad luck")
        for path in ("/repo/t.py", "/repo/u.py")
    }
    assert len(signatures) == 6


@given(st.text(max_size=200))
def test_masking_leaves_no_figure_and_adds_nothing(text: str) -> None:
    result = masked(text)
    assert not any(figure in result for figure in "0123456789")
    assert len(result) <= len(text)


@given(st.text(max_size=300), st.integers(100, 200))
def test_cut_text_keeps_head_and_tail_and_says_what_is_missing(text: str, limit: int) -> None:
    result = cut(text, limit)
    assert len(result) <= limit
    if len(text) <= limit:
        assert result == text
    else:
        assert result[:10] == text[:10]
        assert result[-10:] == text[-10:]
        assert f"\n[... {len(text) - limit} characters and this line left out ...]\n" in result


def test_outputs_are_told_by_kind_and_phase() -> None:
    sections = [
        ("Captured stdout setup", "made"),
        ("Captured stdout call", "x" * (OUTPUT_LIMIT + 1)),
        ("Captured stderr call", "oh\0\udc80"),
        ("Captured log teardown", ""),
        ("Screenshot", "of another plugin"),
    ]
    outputs = outputs_of([text_report("first"), text_report("second")], sections)
    assert outputs.keys() == {"longrepr", "stdout", "stderr"}
    assert outputs["longrepr"] == "first\n\nsecond"
    assert outputs["stdout"].startswith("-- setup --\nmade\n-- call --\nxxx")
    assert len(outputs["stdout"]) == OUTPUT_LIMIT
    assert outputs["stderr"] == "oh\\x00\\udc80"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("RuntimeError: boom\nmore", "RuntimeError: boom"),
        ("AssertionError: Traceback (most recent call last):\n  File x\nDumpError: no\n\nassert False", "DumpError: no"),
        ("", ""),
    ],
)
def test_an_error_in_one_line(text: str, line: str) -> None:
    assert headline(text) == line


@given(st.text(st.characters(), max_size=50))
def test_clean_text_can_be_stored_anywhere(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert "\0" not in cleaned
