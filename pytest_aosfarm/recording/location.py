"""Where runs are kept: the `.aosfarm` folder, the spool inside it, and which database is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from pytest_aosfarm.errors import ConfigurationError

__all__ = ("DEFAULT_TENANT", "Database", "farm_folder", "find_upwards", "parse_db", "spool_folder")

DEFAULT_TENANT = "default"
"""Whose runs are that were recorded without --farm-tenant."""

FOLDER = ".aosfarm"
DATABASE = "farm.db"
SPOOL = "spool"

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)
_PLACES = {"host", "hostaddr", "port", "dbname"}
_POSTGRES = re.compile(r"postgres(ql)?(\+psycopg)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Database:
    """Where runs are kept: the SQLite file at `path`, or the PostgreSQL at `url`. Shows no password."""

    path: Path | None = None
    url: str = field(default="", repr=False)

    @property
    def public(self) -> str:
        """The path, or the URL as far as it says where the database is, which is all that may be written down or shown."""
        if self.path is not None:
            return str(self.path)
        parts = urlsplit(self.url)
        query = urlencode([(name, value) for name, value in parse_qsl(parts.query) if name in _PLACES], safe="/")
        place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        return f"{place}?{query}" if query else place

    def __str__(self) -> str:
        return self.public


def parse_db(value: str | None, rootdir: Path) -> Database:
    """What `value` means: a path, `sqlite:///path` or `postgresql://…`; None means `rootdir/.aosfarm/farm.db`.

    A relative path counts from `rootdir`. Raises ConfigurationError for any other URL. The message never shows
    the URL itself: it may hold a password.
    """
    if value is None:
        return Database(rootdir / FOLDER / DATABASE)
    path = value
    url = _SCHEME.fullmatch(value)
    if url:
        scheme, rest = url[1].lower(), url[2]
        if _POSTGRES.fullmatch(scheme):
            return _postgres(rest)
        if scheme != "sqlite":
            raise ConfigurationError(
                f"a database of the kind {scheme!r} was asked for; runs are recorded in SQLite or PostgreSQL: "
                "give a path, sqlite:///PATH or postgresql://USER@HOST/DATABASE"
            )
        if not rest.startswith("///") or "?" in rest or "#" in rest:
            raise ConfigurationError(
                "a sqlite URL has the form sqlite:///PATH (an absolute path has four slashes) and no options"
            )
        path = rest.removeprefix("///")
    if not path.strip():
        raise ConfigurationError("the name of the database is empty: give a path, sqlite:///PATH or postgresql://USER@HOST/DATABASE")
    return Database(rootdir / Path(path).expanduser())


def _postgres(rest: str) -> Database:
    url = f"postgresql:{rest}"
    try:
        parts = urlsplit(url)
        valid = rest.startswith("//") and parts.port != 0 and not parts.fragment
    except ValueError:
        valid = False
    if not valid or re.search(r"\s", url):
        raise ConfigurationError(
            "the PostgreSQL URL cannot be read: give postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
            "with special characters of the password as %XX"
        )
    return Database(url=url)


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
