"""The front door offers exactly what exists, and loads each thing only when it is asked for."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import pytest_aosfarm

PACKAGE = Path(pytest_aosfarm.__file__).parent
MODULES = sorted(
    ".".join(("pytest_aosfarm", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if path.name not in {"__main__.py", "env.py"} and "labs" not in path.parts  # only Alembic can import its env.py
)


def test_every_name_is_there_and_at_home() -> None:
    for name in pytest_aosfarm.__all__:
        thing, home = getattr(pytest_aosfarm, name), f"pytest_aosfarm.{pytest_aosfarm._HOMES[name]}"
        if inspect.ismodule(thing):
            assert thing.__name__ == f"{home}.{name}"
        else:
            assert (thing.__module__, thing.__name__) == (home, name)


def test_type_checkers_see_the_same_names() -> None:
    (block,) = (node for node in ast.parse(inspect.getsource(pytest_aosfarm)).body if isinstance(node, ast.If))
    seen = {
        (alias.asname, str(node.module).removeprefix("pytest_aosfarm."))
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == set(pytest_aosfarm._HOMES.items())
    assert list(pytest_aosfarm.__all__) == sorted(pytest_aosfarm.__all__) == dir(pytest_aosfarm)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Fram'"):
        _ = pytest_aosfarm.Fram


def test_importing_the_front_door_loads_nothing_else() -> None:
    code = (
        "import sys, pytest_aosfarm; before = {name for name in sys.modules if name.startswith('pytest_aosfarm')};"
        "pytest_aosfarm.Tenant; print(sorted(before), 'pytest_aosfarm.tenants' in sys.modules, 'httpx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "['pytest_aosfarm'] True False"


@pytest.mark.parametrize("name", MODULES)
def test_all_exists(name) -> None:
    module = import_module(name)
    names = getattr(module, "__all__", ())
    assert isinstance(names, tuple)
    assert len(set(names)) == len(names)
    assert [missing for missing in names if not hasattr(module, missing)] == []
