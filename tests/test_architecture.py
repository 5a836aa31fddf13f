"""The house rules: who may import whom and what, what the suites may know, how long a file is and how it begins."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).parents[1]
PACKAGE = "pytest_aosfarm"
LONGEST = 400

MAY_IMPORT = {
    "__init__": {
        *("chaos", "errors", "farm", "grading", "modules", "settings", "sinks.postgres_tenant", "synthetic", "tenants"),
    },
    "errors": set(),
    "tenants": set(),
    "settings": {"errors", "urls"},
    "urls": set(),
    "synthetic": {"errors", "tenants"},
    "grading": {"synthetic"},
    "modules": {"errors", "tenants"},
    "twins": {"errors", "modules.catalog", "modules.contracts"},
    "recording": {"errors", "urls"},
    "history": {"errors", "recording"},
    "exports": {"errors", "history", "recording"},
    "chaos": {"errors"},
    "farm": {"errors", "modules", "settings", "synthetic", "tenants", "twins"},
    "plugin": {
        *("chaos", "errors", "exports", "farm", "history", "modules", "recording", "settings", "sinks.atomic", "synthetic"),
        *("tenants", "urls"),
    },
    "sinks": {
        "errors",
        "recording.synthetic_ddl",
        "recording.isolation",
        "recording.postgres_isolation",
        "recording.synthetic_tables",
        "synthetic",
    },
    "doctor": {"errors", "recording", "sinks.postgres_connection", "sinks.sqlite"},
    "cli": {"doctor", "errors", "exports", "history", "recording", "settings", "sinks", "synthetic", "tenants", "twins"},
}
"""Room (a package, or a file beside it) -> what else of the package its files may import; always their own room."""

MAY_USE = {
    "alembic": ["recording/migrations/", "recording/schema.py"],
    "anyio": ["chaos/accidents.py", "modules/pools.py"],
    "faker": ["synthetic/faker_provider.py"],
    "fastapi": ["twins/"],
    "filelock": ["farm.py"],
    "httpcore": ["chaos/accidents.py", "chaos/course.py", "chaos/inject.py", "chaos/streams.py"],
    "httpx": ["chaos/", "plugin/chaos_run.py", "modules/client.py", "modules/pools.py", "farm.py"],
    "hypothesis": ["chaos/strategies.py", "plugin/chaos_run.py", "synthetic/strategies.py"],
    "numpy": ["sinks/", "synthetic/"],
    "publicsuffixlist": ["twins/"],
    "psycopg": ["doctor/", "recording/postgres_isolation.py", "recording/schema.py", "sinks/postgres"],
    "pyarrow": ["sinks/", "synthetic/"],
    "pydantic": ["chaos/", "modules/", "synthetic/records/", "twins/"],
    "pytest": ["plugin/"],
    "sqlalchemy": [
        *(f"recording/{name}" for name in ("engine", "migrations/", "reap", "rows", "schema", "store")),
        *(f"recording/{name}" for name in ("synthetic_", "tables")),
        "history/",
    ],
    "uvicorn": ["twins/serve.py"],
}
"""Library -> the files and folders of the package that may import it. Nothing else but the standard library is used."""

READS_THE_ENVIRONMENT = "settings.py"


@cache
def sources() -> Mapping[str, str]:
    """Every Python file of the project by its path."""
    tops = [
        *ROOT.glob("*.py"),
        *(
            path
            for top in (PACKAGE, "labs", "examples", "tests", "benchmarks", "tools")
            for path in (ROOT / top).rglob("*.py")
        ),
    ]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in tops}


@cache
def nodes(source: str) -> list[ast.AST]:
    """Every node of the source's syntax tree; each file is parsed once for all rules."""
    return [*ast.walk(ast.parse(source))]


@cache
def imported(source: str) -> list[str]:
    """What the source imports, dotted; a relative import keeps its dots. `from a.b import c` counts as a.b.c."""
    names = []
    for node in nodes(source):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names]
    return names


def inside(files: Mapping[str, str], *tops: str) -> Iterator[tuple[str, str]]:
    """(path below the top, source) of the files below the tops."""
    for path, source in files.items():
        top, _, rest = path.partition("/")
        if top in tops:
            yield rest, source


def wrong_directions(files: Mapping[str, str]) -> Iterator[str]:
    for path, source in inside(files, PACKAGE):
        room = path.partition("/")[0].removesuffix(".py")
        if room not in MAY_IMPORT:
            yield f"{path}: the room {room} has no row in MAY_IMPORT"
            continue
        for name in imported(source):
            if name == PACKAGE or name.startswith("."):
                yield f"{path}: imports {name}; inside the package an import is absolute and names its room"
            elif name.startswith(f"{PACKAGE}."):
                taken = name.removeprefix(f"{PACKAGE}.")
                if not any(f"{taken}.".startswith(f"{allowed}.") for allowed in {room, *MAY_IMPORT[room]}):
                    yield f"{path}: imports {taken}"


def wrong_libraries(files: Mapping[str, str]) -> Iterator[str]:
    for path, source in inside(files, PACKAGE):
        for name in imported(source):
            library = name.partition(".")[0]
            if library in sys.stdlib_module_names or library == PACKAGE or not library:
                continue
            if not path.startswith(tuple(MAY_USE.get(library, ()))):
                yield f"{path}: imports {library}"


def private_pytest(files: Mapping[str, str]) -> Iterator[str]:
    for path, source in inside(files, PACKAGE, "labs", "examples"):
        for name in imported(source):
            if name.startswith(("_pytest", "xdist", "pytest._")):
                yield f"{path}: imports {name}"


def environment_readers(files: Mapping[str, str]) -> Iterator[str]:
    for path, source in inside(files, PACKAGE):
        for node in nodes(source):
            if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"} and path != READS_THE_ENVIRONMENT:
                yield f"{path}:{node.lineno}: reads the environment"


def suites_behind_the_front_door(files: Mapping[str, str]) -> Iterator[str]:
    for path, source in inside(files, "labs", "examples"):
        for node in nodes(source):
            if isinstance(node, ast.Import):
                inner = [alias.name for alias in node.names if alias.name.partition(".")[0] in {PACKAGE, "labs", "tests"}]
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module != PACKAGE:
                inner = [node.module or ""] if (node.module or "").partition(".")[0] in {PACKAGE, "labs", "tests"} else []
            else:
                inner = []
            yield from (f"{path}: imports {name}" for name in inner)


def autouse_fixtures(files: Mapping[str, str]) -> Iterator[str]:
    for path, source in inside(files, PACKAGE, "labs", "examples"):
        for node in nodes(source):
            if isinstance(node, ast.keyword) and node.arg == "autouse":
                yield f"{path}:{node.value.lineno}: a fixture that nobody asked for"


def too_long(files: Mapping[str, str]) -> Iterator[str]:
    yield from (f"{path}: {lines} lines" for path, text in files.items() if (lines := len(text.splitlines())) > LONGEST)


def without_a_first_line(files: Mapping[str, str]) -> Iterator[str]:
    for path, source in files.items():
        module = nodes(source)[0]
        assert isinstance(module, ast.Module)
        first = (ast.get_docstring(module) or "").partition("\n")[0]
        if not first.strip().endswith((".", "?", "!")):
            yield f"{path}: its first line does not say what it is for"


RULES = [
    (wrong_directions, f"{PACKAGE}/recording/x.py", "from pytest_aosfarm.modules.pools import open_pool"),
    (wrong_directions, f"{PACKAGE}/twins/x.py", "from pytest_aosfarm.modules.client import ModuleClient"),
    (wrong_directions, f"{PACKAGE}/twins/x.py", "def late():\n    from pytest_aosfarm.synthetic.snapshot import Snapshot"),
    (wrong_directions, f"{PACKAGE}/cli.py", "import pytest_aosfarm.plugin.keys"),
    (wrong_directions, f"{PACKAGE}/errors.py", "from pytest_aosfarm import Tenant"),
    (wrong_directions, f"{PACKAGE}/settings.py", "from .tenants import Tenant"),
    (wrong_directions, f"{PACKAGE}/grading_more.py", "x = 1"),
    (wrong_libraries, f"{PACKAGE}/recording/x.py", "import pytest"),
    (wrong_libraries, f"{PACKAGE}/modules/aod.py", "import httpx"),
    (wrong_libraries, f"{PACKAGE}/recording/tally.py", "from sqlalchemy.sql import text"),
    (wrong_libraries, f"{PACKAGE}/plugin/fixtures.py", "def late():\n    import numpy.random"),
    (private_pytest, f"{PACKAGE}/plugin/x.py", "from _pytest.nodes import Node"),
    (environment_readers, f"{PACKAGE}/farm.py", "import os\nx = os.environ['X']"),
    (environment_readers, f"{PACKAGE}/farm.py", "import os\nx = os.getenv('X')"),
    (suites_behind_the_front_door, "labs/aod/x.py", "from pytest_aosfarm.grading import grade"),
    (suites_behind_the_front_door, "labs/aod/x.py", "import pytest_aosfarm.grading"),
    (suites_behind_the_front_door, "examples/module_repo/x.py", "from tests.oracle import rederive"),
    (autouse_fixtures, "labs/aod/conftest.py", "import pytest\n@pytest.fixture(autouse=True)\ndef x(): pass"),
    (too_long, "tests/x.py", "x = 1\n" * (LONGEST + 1)),
    (without_a_first_line, "tests/x.py", "x = 1"),
    (without_a_first_line, "tests/x.py", '"""Something about\nthis file."""'),
]
"""A rule, and a file that breaks it."""


@pytest.mark.parametrize("rule", dict.fromkeys(rule for rule, *_ in RULES), ids=lambda rule: rule.__name__)
def test_the_house_keeps_the_rule(rule: Callable[[Mapping[str, str]], Iterator[str]]) -> None:
    assert list(rule(sources())) == []


@pytest.mark.parametrize(
    ("rule", "path", "source"), RULES, ids=[f"{rule.__name__}-{number}" for number, (rule, *_) in enumerate(RULES)]
)
def test_the_rule_sees_who_breaks_it(rule, path, source) -> None:
    assert len(list(rule({path: source}))) == 1
    assert list(rule({})) == []


def test_every_row_is_about_something_that_exists() -> None:
    rooms = {path.partition("/")[0].removesuffix(".py") for path, _ in inside(sources(), PACKAGE)}
    assert set(MAY_IMPORT) == rooms
    used = {(library, place) for library, places in MAY_USE.items() for place in places}
    found = {
        (library, place)
        for library, place in used
        for path, source in inside(sources(), PACKAGE)
        if path.startswith(place) and library in {name.partition(".")[0] for name in imported(source)}
    }
    assert used == found
