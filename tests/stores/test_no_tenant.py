"""Where no tenant is named nothing is read or written: everything that takes a tenant refuses an empty one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from synthetic_data import dataset

from pytest_aosfarm import tenant_connection
from pytest_aosfarm.cli import main
from pytest_aosfarm.errors import ConfigurationError, LoadError
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.sinks import postgres, sqlite
from pytest_aosfarm.sinks.loading import Load
from pytest_aosfarm.tenants import Tenant

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_aosfarm.recording.location import Database

NOBODY = pytest.mark.parametrize("nobody", ["", " \t"], ids=["empty", "blank"])


@NOBODY
def test_no_tenant_no_runs(where: Database, nobody: str) -> None:
    with pytest.raises(ConfigurationError, match="no tenant"):
        RunStore(where, nobody, create=True)
    assert where.path is None or not where.path.exists()


@NOBODY
def test_no_tenant_no_synthetic_data(tmp_path: Path, nobody: str) -> None:
    # The URL leads nowhere: nobody is refused before anybody connects.
    url = "postgresql://127.0.0.1:1/x"
    with pytest.raises(LoadError, match="no tenant, no data"), tenant_connection(url, nobody):
        pass
    with pytest.raises(LoadError, match="no tenant, no data"):
        sqlite.load(tmp_path / "x.db", Load.of(dataset(), nobody, ["hosts"]))
    with pytest.raises(LoadError, match="no tenant, no data"):
        postgres.load(url, Load.of(dataset(), nobody, ["hosts"]))
    with pytest.raises(ValueError, match="a tenant needs a key"):
        Tenant.of_run("5b4f0a52-7b0e-4d53-9a55-0f6a1d7c1c11", nobody)
    assert list(tmp_path.iterdir()) == []


@NOBODY
@pytest.mark.parametrize("command", [["runs"], ["show", "1"], ["export", "--format=csv"], ["reap"], ["data", "tables"]])
def test_no_tenant_no_command(tmp_path: Path, capsys, monkeypatch, command: list[str], nobody: str) -> None:
    monkeypatch.chdir(tmp_path)
    with RunStore(tmp_path / ".aosfarm/farm.db", "default", create=True):
        pass
    assert main([*command, "--tenant", nobody]) == 2
    assert "tenant" in capsys.readouterr().err
