"""Which database `--farm-db` means, and that other kinds are refused without telling their password."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.recording.location import Database, farm_folder, find_upwards, parse_db

ROOT = Path("/root/of/project")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (None, "/root/of/project/.aosfarm/farm.db"),
        ("runs.db", "/root/of/project/runs.db"),
        ("/tmp/runs.db", "/tmp/runs.db"),
        ("sqlite:///runs.db", "/root/of/project/runs.db"),
        ("SQLite:////tmp/runs.db", "/tmp/runs.db"),
        ("./odd:name.db", "/root/of/project/odd:name.db"),
    ],
)
def test_what_a_value_means(value: str | None, path: str) -> None:
    assert parse_db(value, ROOT) == Database(Path(path))


@pytest.mark.parametrize(
    "value",
    ["mysql:me:secret", "file:secret?mode=ro",
     "sqlite://", "sqlite://secret", "sqlite:secret", "sqlite:///", "sqlite:///secret?mode=ro", "", "  "],
)  # fmt: skip
def test_what_is_refused_and_never_quoted(value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_db(value, ROOT)
    assert "sqlite:///PATH" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "PostgreSQL"])
def test_a_postgresql_is_meant_by_its_url_and_its_password_never_shown(scheme: str) -> None:
    where = parse_db(f"{scheme}://me:secret@host:1/db?sslmode=require&host=/run&password=secret", ROOT)
    assert where == Database(url="postgresql://me:secret@host:1/db?sslmode=require&host=/run&password=secret")
    assert str(where) == "postgresql://host:1/db?host=/run"
    assert "secret" not in repr(where)


@pytest.mark.parametrize("value", ["postgresql:secret", "postgresql://host:0/secret", "postgres://h/a secret", "postgres://[secret"])
def test_a_postgresql_url_that_cannot_be_read_is_not_quoted(value: str) -> None:
    with pytest.raises(ConfigurationError, match="postgresql://USER:PASSWORD@HOST") as caught:
        parse_db(value, ROOT)
    assert "secret" not in str(caught.value)


def test_the_folder_hides_itself_from_git_and_is_found_from_below(tmp_path: Path) -> None:
    folder = farm_folder(tmp_path)
    assert (folder / ".gitignore").read_text(encoding="utf-8") == "*\n"
    (folder / ".gitignore").write_text("mine\n", encoding="utf-8")
    assert farm_folder(tmp_path) == folder
    assert (folder / ".gitignore").read_text(encoding="utf-8") == "mine\n"

    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_upwards("farm.db", below) is None
    (folder / "farm.db").touch()
    assert find_upwards("farm.db", below) == folder / "farm.db"
