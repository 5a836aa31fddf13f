"""Where runs are kept: the `.aosfarm` folder, the spool inside it, and which database file is meant."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_aosfarm.errors import ConfigurationError

__all__ = ("FOLDER", "farm_folder", "find_upwards", "parse_db", "spool_folder")

FOLDER = ".aosfarm"
DATABASE = "farm.db"
SPOOL = "spool"

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)


def parse_db(value: str | None, rootdir: Path) -> Path:
    """The SQLite file that `value` (a path or `sqlite:///path`) means; None means `rootdir/.aosfarm/farm.db`.

    A relative path counts from `rootdir`. Raises ConfigurationError for any other URL. The message never shows
    the URL itself: it may hold a password.
    """
    if value is None:
        return rootdir / FOLDER / DATABASE
    path = value
    if url := _SCHEME.fullmatch(value):
        scheme, rest = url[1].lower(), url[2]
        if scheme != "sqlite":
            raise ConfigurationError(
                f"a database of the kind {scheme!r} was asked for; runs are recorded in SQLite only: "
                "give a path or sqlite:///PATH"
            )
        if not rest.startswith("///") or "?" in rest or "#" in rest:
            raise ConfigurationError(
                "a sqlite URL has the form sqlite:///PATH (an absolute path has four slashes) and no options"
            )
        path = rest.removeprefix("///")
    if not path.strip():
        raise ConfigurationError("the name of the database is empty: give a path or sqlite:///PATH")
    return rootdir / Path(path).expanduser()


def spool_folder(rootdir: Path) -> Path:
    """Where the runs of `rootdir` keep their spools."""
    return rootdir / FOLDER / SPOOL


def farm_folder(rootdir: Path) -> Path:
    """Make `rootdir/.aosfarm`, which git ignores by itself, and return it. Raises OSError."""
    folder = rootdir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    return folder


def find_upwards(name: str, start: Path) -> Path | None:
    """The nearest `.aosfarm/<name>` in `start` or a folder above it, or None."""
    for folder in (start, *start.parents):
        found = folder / FOLDER / name
        if found.exists():
            return found
    return None
