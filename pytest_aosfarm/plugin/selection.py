"""The markers `lab`, `scale` and `farm_id`, and which tests a run keeps because of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_aosfarm.plugin.keys import settings_key
from pytest_aosfarm.settings import LABS, SCALES

if TYPE_CHECKING:
    from pytest_aosfarm.settings import Settings

__all__ = ("labs_of",)

_MARKERS = (
    f"lab(name, ...): this test belongs to these labs ({', '.join(LABS)}); --lab keeps only the tests of the labs it names",
    f"scale(name, ...): this test runs only at these scales ({', '.join(SCALES)})",
    "farm_id(name): the name of this test for its data and history, kept when the test is renamed or moved",
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    for line in _MARKERS:
        config.addinivalue_line("markers", line)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what belongs to other labs or scales. A marker that is wrong keeps its test, which then says so."""
    settings = config.stash[settings_key]
    kept = [item for item in items if _problem(item, settings) or _belongs(item, settings)]
    if len(kept) < len(items):
        wanted = set(map(id, kept))
        config.hook.pytest_deselected(items=[item for item in items if id(item) not in wanted])
        items[:] = kept


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test whose marker is wrong: silently never running it would be worse."""
    problem = _problem(item, item.config.stash[settings_key])
    if problem:
        pytest.fail(f"aosfarm: {problem}", pytrace=False)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """When no test was left, say where the shipped suites are."""
    settings = config.stash[settings_key]
    if settings.labs and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        labs = ",".join(settings.labs)
        terminalreporter.write_line(
            f"aosfarm: nothing here belongs to lab {labs}; the shipped suites: pytest --pyargs pytest_aosfarm.labs --lab={labs}"
        )


def labs_of(item: pytest.Item) -> list[str]:
    """The labs that the test is marked with, without repeats."""
    return list(dict.fromkeys(str(name) for mark in item.iter_markers("lab") for name in mark.args))


def _belongs(item: pytest.Item, settings: Settings) -> bool:
    if settings.labs and not set(settings.labs) & set(labs_of(item)):
        return False
    scales = [name for mark in item.iter_markers("scale") for name in mark.args]
    return not scales or not set(scales) <= set(SCALES) or settings.scale in scales


def _problem(item: pytest.Item, settings: Settings) -> str | None:
    """What is wrong with the test's markers, in one line. Other people's `lab` and `scale` are theirs until asked for."""
    checked = [("farm_id", None)] if settings.in_use else []
    checked += [("lab", LABS)] if settings.labs else []
    checked += [("scale", SCALES)] if settings.in_use else []
    for name, valid in checked:
        for mark in item.iter_markers(name):
            wrong = [arg for arg in mark.args if not isinstance(arg, str) or (valid is not None and arg not in valid)]
            if wrong or mark.kwargs or not mark.args or (valid is None and len(mark.args) != 1):
                shown = ", ".join([*map(repr, mark.args), *(f"{key}={value!r}" for key, value in mark.kwargs.items())])
                wanted = f"one or more of {', '.join(valid)}" if valid else "one name"
                return f"marker {name}({shown}) is not valid; valid: {wanted}, as text"
    return None
