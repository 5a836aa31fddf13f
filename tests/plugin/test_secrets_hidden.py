"""No secret of a run is in anything that the Farm writes or shows: spool, database, exports, commands, its own lines."""

from __future__ import annotations

import json
import re
import zlib
from typing import TYPE_CHECKING

import psycopg  # noqa: F401 - pytester forgets what an inner run imports, and errors would be of another class
import pytest
from recorded_runs import all_runs, spools
from sqlalchemy import select

from pytest_aosfarm.cli import main
from pytest_aosfarm.recording.location import parse_db
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.recording.tables import farm_errors, farm_run_test_output

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tools.postgres import Postgres

MARK = re.compile(r"qz[0-9a-z]+zq")
"""Every secret of these tests has this form, wherever it stands."""

PARAMETER = "test_suite::test_parameter[postgres://u:qz1secondzq@h/db]"
"""The identity of a test as who wrote it knows it."""

CONFTEST = """
    def pytest_addoption(parser):
        parser.addoption("--token")
        parser.addoption("--dsn")
        parser.addini("api_key", "a key")
"""

SUITE = """
    import json, logging, os, sys
    import pytest

    @pytest.mark.parametrize("url", ["postgres://u:qz1firstzq@h/db", "postgres://u:qz1secondzq@h/db"])
    def test_parameter(url):
        assert url == ""

    @pytest.mark.parametrize("token", ["ghp_qz2zqabcdefghijklmnopqrstuvwxyz0123"])
    def test_token(token):
        pass

    @pytest.mark.parametrize("word", [os.environ["SERVICE_PASSWORD"]])
    def test_known(word):
        pass

    def test_message():
        known = os.environ["SERVICE_PASSWORD"]
        raise ConnectionError(f"cannot log in with {known} and password=qz3zq; Authorization: Bearer qz4zq")

    def test_locals():
        password = "qz5zq"
        headers = {"X-Api-Key": "qz6zq", "cookie": "session=qz7zq"}
        known = os.environ["SERVICE_PASSWORD"]
        assert len(known) == 0

    def test_output(pytestconfig):
        print(pytestconfig.getoption("token"), pytestconfig.getini("api_key"), pytestconfig.getoption("dsn"))
        print("password: qz8zq,", os.environ["SERVICE_PASSWORD"] * 2)
        print('{"token": "qz9zq"}', file=sys.stderr)
        logging.getLogger().error("--api-key %s", "qz10" + "zq")
        print("x" * 65_500 + "https://u:qz11zq@h/" + "y" * 65_500)
        assert 0

    def test_properties(record_property):
        record_property("api_token", "qz12zq")
        record_property("address", "https://u:qz13zq@h/")
        record_property("known", os.environ["SERVICE_PASSWORD"])

    def test_faults(record_property):
        known = os.environ["SERVICE_PASSWORD"]
        fault = {"kind": "status", "path": f"/runs/{known}?token=qz35zq", "rule": "api_key=qz36zq", "observed": known}
        record_property("farm.faults", json.dumps([fault]))
        record_property("farm.chaos", f"replay: pytest --token=qz38zq --farm-replay=AC1:x")
        assert 0

    def test_skip():
        pytest.skip("needs password=qz14zq")

    @pytest.mark.xfail(reason="token=qz15zq")
    def test_xfail():
        assert 0

    @pytest.fixture
    def broken():
        raise ValueError("secret='qz16zq'")

    def test_setup(broken):
        pass

    def test_module(farm):
        settings, urls = farm.settings, dict(farm.settings.urls)
        assert not urls

    def test_subtests(subtests):
        with subtests.test(url="http://u:qz17zq@h"):
            assert 0, "password=qz18zq"
"""

UNCOLLECTABLE = """
    raise RuntimeError("client_secret = 'qz19zq'")
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The suite above, its secrets in the environment; gives the arguments to run it with."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_suite=SUITE, test_uncollectable=UNCOLLECTABLE)
    monkeypatch.setenv("SERVICE_PASSWORD", "qz20zq")
    monkeypatch.setenv("ANY_URL", "amqp://u:qz21zq@h")
    monkeypatch.setenv("AAM_BASE_URL", "http://u:qz22zq@127.0.0.1:9")
    monkeypatch.setenv("BUILD_URL", "https://u:qz23zq@ci.test/1")
    monkeypatch.setenv("JENKINS_URL", "https://u:qz23zq@ci.test/")
    return (
        "--token", "qz24zq", "--dsn=host=h password=qz25zq", "-o", "api_key=qz26zq", "--showlocals",
        "--continue-on-collection-errors", "--farm-seed=1",
    )  # fmt: skip


def outputs(store: RunStore, run_id: int) -> str:
    """All outputs and errors of a run, unpacked."""
    with store.reading() as connection:
        bodies = connection.execute(select(farm_run_test_output.c.body)).scalars().all()
        errors = connection.execute(select(farm_errors)).all()
    assert bodies
    return repr([*(zlib.decompress(body) for body in bodies), *errors])


def files(root: Path) -> Iterator[tuple[str, str]]:
    """(name, text) of all that the Farm has left under `root`, outputs unpacked."""
    for path in sorted((root / ".aosfarm").rglob("*")):
        if path.is_file():
            yield path.name, path.read_bytes().decode("latin-1")
    for run in all_runs(root):
        with RunStore(parse_db(None, root), run["tenant_id"]) as store:
            yield "outputs", outputs(store, run["id"])


def own_lines(output: str) -> str:
    """The Farm's header, block and commands to GitHub."""
    block = re.search(r"=+ AOS-Farm =+\n(.*?)(?=\n=+ |\Z)", output, re.DOTALL)
    return "\n".join([*re.findall(r"^(?:aosfarm: |AOS-Farm: |::).*$", output, re.MULTILINE), block[0] if block else ""])


def commands(root: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[tuple[str, str]]:
    """(command, output) of every command that shows runs."""
    where = ["--db", str(root / ".aosfarm" / "farm.db")]
    asked = ["runs", "show 1", "show 1 --output", "compare 2 1", "compare 2 1 --all", "flaky", "trend"]
    asked.append(f"history {PARAMETER}")
    asked += [f"{command} --json" for command in asked]
    asked += [f"export 1 --format {form}" for form in ("ctrf", "junit", "csv", "jsonl", "html")]
    capsys.readouterr()
    for command in asked:
        assert main([*command.split(), *where]) < 2
        captured = capsys.readouterr()
        assert captured.out
        yield command, captured.out + captured.err


def test_a_recorded_run(
    pytester: pytest.Pytester, suite: tuple[str, ...], plugin_args: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    pytester.runpytest(*suite, *plugin_args)
    result = pytester.runpytest(*suite, *plugin_args)
    assert result.ret == 1
    output = result.stdout.str()
    run, _ = all_runs(pytester.path)
    assert (run["failed"], run["errors"], run["passed"]) == (8, 2, 3)
    found = [*files(pytester.path), *commands(pytester.path, capsys), ("own lines", own_lines(output))]
    assert len({name for name, _ in found}) >= 25
    assert "aosfarm: " in found[-1][1]
    assert "recorded" in found[-1][1]
    assert {name: MARK.findall(text) for name, text in found if MARK.search(text)} == {}
    # What is no secret is all there.
    assert "cannot log in with ***" in repr(run)
    names = [test["nodeid"] for test in run["tests"] if "test_parameter" in test["nodeid"]]
    assert all(re.search(r"\[postgres://\*\*\*~[0-9a-f]{4}@h/db\]$", name) for name in names)
    assert len(set(names)) == 2


def test_what_else_a_run_writes(
    pytester: pytest.Pytester, suite: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = pytester.path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_HEAD_REF", "token=qz33zq")
    result = pytester.runpytest(*suite, "--farm-html=report.html", "--junitxml=junit.xml", "-o", "junit_family=xunit1")
    # The cases of pytest's JUnit XML are pytest's; the properties of the suite are ours.
    suite_properties = (pytester.path / "junit.xml").read_text(encoding="utf-8").partition("<testcase")[0]
    written = {
        "summary": summary.read_text(encoding="utf-8"),
        "html": (pytester.path / "report.html").read_text(encoding="utf-8"),
        "junit": suite_properties,
        "lines": own_lines(result.stdout.str()),
    }
    assert "::error" in written["lines"]
    assert "farm.vcs_branch" in written["junit"]
    assert all(written.values())
    assert {name: MARK.findall(text) for name, text in written.items() if MARK.search(text)} == {}


def test_names_are_the_same_in_the_next_run(
    pytester: pytest.Pytester, suite: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    for expression in ("parameter", "parameter and second"):
        pytester.runpytest(*suite, "-k", expression)
    second, first = all_runs(pytester.path)
    (only,) = (test["test_id"] for test in second["tests"] if test["phase"] != "collect")
    assert only in {test["test_id"] for test in first["tests"]}

    database = pytester.path / ".aosfarm" / "farm.db"
    capsys.readouterr()
    assert main(["history", PARAMETER, "--json", "--db", str(database)]) == 0
    assert len(json.loads(capsys.readouterr().out)["results"]) == 2
    assert main(["alias", PARAMETER, "test_suite::test_new[password=qz34zq]", "--db", str(database)]) == 0
    assert MARK.search(database.read_bytes().decode("latin-1")) is None


@pytest.mark.parametrize("way", ["option", "environment", "ini"])
def test_a_run_whose_database_is_away(
    pytester: pytest.Pytester, suite: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    url = "postgresql://u:qz28zq@127.0.0.1:1/x"
    arguments = {"option": [f"--farm-db={url}"], "ini": ["-o", f"farm_db={url}"]}.get(way, [])
    if way == "environment":
        monkeypatch.setenv("AOSFARM_DB", url)
    result = pytester.runpytest(*suite, *arguments)
    (spool,) = spools(pytester.path)
    text = spool.read_text(encoding="ascii") + own_lines(result.stdout.str())
    assert '"attempt_finished"' in text
    assert "db=postgresql://***@127.0.0.1:1/x" in text
    assert MARK.findall(text) == []


def test_a_run_recorded_in_postgres(pytester: pytest.Pytester, suite: tuple[str, ...], postgres: Postgres) -> None:
    with postgres.database() as url:
        user, _, place = url.removeprefix("postgresql://").rpartition("@")
        with_password = f"postgresql://{user.partition(':')[0] or 'postgres'}:qz29zq@{place}"
        assert main(["db", "upgrade", "--db", with_password]) == 0
        result = pytester.runpytest(*suite, f"--farm-db={with_password}")
        with RunStore(parse_db(url, pytester.path), "default") as store:
            run = store.run(1)
            assert run is not None
            assert run["failed"] == 8
            text = repr(run) + outputs(store, 1) + repr(store.faults(1))
    assert MARK.findall(text + own_lines(result.stdout.str())) == []


def test_what_ends_a_run_and_what_is_cut(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_PASSWORD", "qz20zq")
    pytester.makepyfile(
        """
        import os, pytest
        known = os.environ["SERVICE_PASSWORD"]

        def test_tenant(request, farm): request.node.user_properties.append(("farm.tenant", known))
        def test_cut(): raise ValueError("x" * 1985 + known)
        def test_last(): pytest.exit(f"because of {known}")
        """
    )
    result = pytester.runpytest("--farm-db=postgresql://127.0.0.1:1/x", "-k=not qz20zq")
    (spool,) = spools(pytester.path)
    text = spool.read_text(encoding="ascii") + own_lines(result.stdout.str())
    for shown in ('"data_tenant":"***~', "xxx***", "pytest.exit: because of ***", "-k=not ***"):
        assert shown in text
    assert "qz2" not in text


def test_an_address_where_no_module_is(
    pytester: pytest.Pytester, suite: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AOD_BASE_URL", "http://u:qz27zq@127.0.0.1:9")
    result = pytester.runpytest("--farm-seed=1")
    assert "no AOD at http://127.0.0.1:9" in result.stderr.str()
    assert MARK.findall(result.stderr.str()) == []
