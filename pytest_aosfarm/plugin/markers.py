"""The markers `lab`, `scale` and `farm_id`: what they say of a test, and which tests a run keeps because of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.plugin.keys import settings_key
from pytest_aosfarm.settings import LABS, SCALES

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_aosfarm.settings import Settings

__all__ = ("farm_id_of", "is_foreign", "labs_of", "mark_text", "scales_of")

_TEXTS = {
    "lab": f"lab(name, ...): this test belongs to these labs ({', '.join(LABS)}); "
    "--lab keeps only the tests of the labs it names",
    "scale": f"scale(name, ...): this test runs only at these scales ({', '.join(SCALES)})",
    "farm_id": "farm_id(name): the name of this test for its data and history, kept when the test is renamed or moved",
}

_problem_key = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    for text in _TEXTS.values():
        config.addinivalue_line("markers", text)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what belongs to other labs or scales. A test whose marker is wrong stays, to say so when it is run."""
    settings = config.stash[settings_key]
    ours = {name for name in _TEXTS if settings.in_use and not is_foreign(_TEXTS[name], config)}
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        problem = next(filter(None, (_problem(item, name) for name in sorted(ours))), None)
        if problem is not None:
            item.stash[_problem_key] = problem
        (kept if problem is not None or _belongs(item, settings) else left_out).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test whose marker is wrong: never running it, silently, would be worse.

    Not at collection, where the same error is one line without xdist and an internal error with it.
    """
    problem = item.stash.get(_problem_key, None)
    if problem is not None:
        pytest.fail(f"aosfarm: {problem}", pytrace=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """When no test was left, say where the shipped suites are."""
    labs = ",".join(config.stash[settings_key].labs)
    if labs and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        terminalreporter.write_line(
            f"aosfarm: no test was left for lab {labs}; the shipped suites: pytest --pyargs pytest_aosfarm.labs --lab={labs}"
        )


def labs_of(item: pytest.Item) -> tuple[str, ...]:
    """The labs that the test is marked with, nearest mark first; marks that are not the Farm's are passed over."""
    return _names_of(item, "lab")


def scales_of(item: pytest.Item) -> tuple[str, ...]:
    """The scales that the test is marked with; none means every scale."""
    return _names_of(item, "scale")


def farm_id_of(item: pytest.Item) -> str | None:
    """The text of the test's nearest `farm_id`. Raises ConfigurationError for a mark that holds none."""
    mark = item.get_closest_marker("farm_id")
    return None if mark is None else _read(mark)[0]


def lab(name: str, *more: str) -> tuple[str, ...]:
    """What `@pytest.mark.lab(...)` may be given."""
    return _known(LABS, name, *more)


def scale(name: str, *more: str) -> tuple[str, ...]:
    """What `@pytest.mark.scale(...)` may be given."""
    return _known(SCALES, name, *more)


def farm_id(name: str) -> tuple[str, ...]:
    """What `@pytest.mark.farm_id(...)` may be given."""
    if not isinstance(name, str) or not name.strip():
        raise ValueError("one text with at least one visible character")
    return (name,)


_READERS: dict[str, Callable[..., tuple[str, ...]]] = {"lab": lab, "scale": scale, "farm_id": farm_id}


def _known(valid: tuple[str, ...], *names: Any) -> tuple[str, ...]:
    if any(name not in valid for name in names):
        raise ValueError(f"one or more of {', '.join(valid)}")
    return names


def _read(mark: pytest.Mark) -> tuple[str, ...]:
    try:
        return _READERS[mark.name](*mark.args, **mark.kwargs)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"marker {mark_text(mark)} is not valid; valid: {error}") from None


def mark_text(mark: pytest.Mark) -> str:
    """The mark as it was written."""
    given = [*map(repr, mark.args), *(f"{name}={value!r}" for name, value in mark.kwargs.items())]
    return f"{mark.name}({', '.join(given)})"


def _names_of(item: pytest.Item, marker: str) -> tuple[str, ...]:
    names: list[str] = []
    for mark in item.iter_markers(marker):
        try:
            names += _read(mark)
        except ConfigurationError:
            continue
    return tuple(dict.fromkeys(names))


def _belongs(item: pytest.Item, settings: Settings) -> bool:
    scales = scales_of(item)
    in_lab = not settings.labs or not set(settings.labs).isdisjoint(labs_of(item))
    return in_lab and (not scales or settings.scale in scales)


def _problem(item: pytest.Item, marker: str) -> str | None:
    try:
        for mark in item.iter_markers(marker):
            _read(mark)
    except ConfigurationError as error:
        return str(error)
    return None


def is_foreign(ours: str, config: pytest.Config) -> bool:
    """Whether somebody else has registered a marker of the name in our text: then its other uses are theirs, and right."""
    registered: list[str] = config.getini("markers")
    return any(text != ours and _name_in(text) == _name_in(ours) for text in registered)


def _name_in(text: str) -> str:
    return text.partition(":")[0].partition("(")[0].strip()
