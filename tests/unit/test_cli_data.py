"""`aosfarm data` as a user of a shell sees it: tables, rows, digests, exports, loads into SQLite."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from recorded_runs import wait_until
from synthetic_data import dataset

from pytest_aosfarm.cli import main
from pytest_aosfarm.cli.dataset import clean_end
from pytest_aosfarm.cli.progress import Progress
from pytest_aosfarm.sinks.ndjson import digest
from pytest_aosfarm.synthetic.scale import scale_named

ROOT = Path(__file__).parents[2]
KEY = ("--tenant", "acme")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("AOSFARM_") or name.endswith("_BASE_URL"):
            monkeypatch.delenv(name)
    return tmp_path


def said(capfdbinary, *arguments: str):
    assert main(["data", *arguments]) == 0
    out, err = capfdbinary.readouterr()
    assert err == b""
    return out


def refused(capsys, *arguments: str):
    """The one line that says what is wrong."""
    assert main(["data", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("aosfarm: ")
    assert err.count("\n") == 1
    return err


def test_tables_are_listed_with_their_rows_at_the_scale(capfdbinary):
    every = json.loads(said(capfdbinary, "tables", "--json", "--scale", "planet"))
    listed = [one for one in every if not one["answer_key"]]
    assert {one["name"]: one["rows"] for one in every if one["answer_key"]}["record_matches"] == 10_000_000
    assert {one["name"]: one["rows"] for one in listed} == {
        name: getattr(scale_named("planet"), name) for name in dataset().tables
    }
    assert {one["name"]: tuple(one["columns"]) for one in listed} == {
        name: table.columns for name, table in dataset().tables.items()
    }
    assert b"transactions       3,000  id customer_id" in said(capfdbinary, "tables")


def test_rows_are_shown_as_json_and_as_a_table(capfdbinary):
    table = dataset().table("invoices")
    assert json.loads(said(capfdbinary, "show", "invoices", *KEY, "--rows", "3:5", "--json")) == table[3:5]
    assert len(json.loads(said(capfdbinary, "show", "invoices", *KEY, "--json"))) == 10
    lines = said(capfdbinary, "show", "invoices", *KEY, "--rows", "1998:").decode().splitlines()
    assert [line.split()[:2] for line in lines] == [["row", "id"], ["1998", table[1998]["id"]], ["1999", table[1999]["id"]]]


@pytest.mark.parametrize("path", ["scalar", "vector"])
@pytest.mark.parametrize(
    ("text", "rows"), [(":20", range(20)), ("5:7", range(5, 7)), ("1990:", range(1990, 2000)), ("3:3", range(3, 3))]
)
def test_a_digest_is_that_of_the_export(capfdbinary, path, text, rows):
    found = said(capfdbinary, "digest", "invoices", *KEY, "--path", path, "--rows", text)
    exported = said(capfdbinary, "export", "invoices", *KEY, "--format", "ndjson", "--rows", text, "--out", "-")
    assert found.decode().strip() == sha256(exported).hexdigest() == digest(dataset().table("invoices"), rows)


def test_what_names_the_data_changes_the_digest_and_comes_from_the_environment_too(capfdbinary, monkeypatch):
    usual = said(capfdbinary, "digest", "hosts")
    given = {"seed": "2", "scale": "medium", "tenant": "b"}
    others = [said(capfdbinary, "digest", "hosts", f"--{name}", value) for name, value in given.items()]
    assert len({usual, *others}) == 4
    for (name, value), other in zip(given.items(), others, strict=True):
        with monkeypatch.context() as patched:
            patched.setenv(f"AOSFARM_{name.upper()}", value)
            assert said(capfdbinary, "digest", "hosts") == other
    later = said(capfdbinary, "digest", "invoices", "--anchor", "2027-01-15T12:00:00+00:00")
    assert later != said(capfdbinary, "digest", "invoices")


def test_a_live_module_changes_no_data(capfdbinary, monkeypatch):
    usual = said(capfdbinary, "digest", "invoices")
    monkeypatch.setenv("AOD_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AOSFARM_LAB", "aod")
    assert said(capfdbinary, "digest", "invoices") == usual
    assert said(capfdbinary, "tables", "--scale", "planet")


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_standard_output_gets_the_bytes_that_a_file_gets(capfdbinary, form):
    out = said(capfdbinary, "export", "hosts", "--format", form, "--out", "-")
    assert said(capfdbinary, "export", "hosts", "--format", form, "--out", "file") == b""
    assert Path("file").read_bytes() == out


BAD = [
    (["show", "nothing"], "table 'nothing' is not one of applications, "),
    (["digest", "hosts", "--rows", "5"], "--rows '5' is no range of rows; valid: A:B, A: or :B"),
    (["digest", "hosts", "--rows=-1:3"], "is no range of rows"),
    (["digest", "hosts", "--rows", "0:41"], "hosts has 40 rows"),
    (["show", "hosts", "--rows", "9:8"], "0 <= A <= B <= 40"),
    (["digest", "hosts", "--path", "fast"], "scalar, vector"),
    (["tables", "--scale", "huge"], "scale 'huge' (from option --scale) is not valid; valid: small, medium, large, planet"),
    (["tables", "--seed", "x"], "seed 'x'"),
    (["tables", "--anchor", "yesterday"], "anchor 'yesterday'"),
    (["tables", "--tenant", "caf\udce9"], "in UTF-8"),
    (["export", "hosts", "--format", "xml", "--out", "x"], "parquet, csv, ndjson"),
    (["export", "hosts", "--format", "csv", "--out", "no/such/folder"], "No such file or directory"),
    (["export", "hosts", "--format", "ndjson", "--out", "/dev/full"], "No space left on device"),
    (["export", "hosts", "--format", "parquet", "--out", "-"], "--out"),
    (["load", "--db", "mysql://joe:secret@host/db"], "mysql is no database"),
    (["load", "--db", "postgresql:/joe:secret@host/db"], "postgresql is no database that data is loaded into; valid: "),
    (["load", "--db", "host=localhost password=secret dbname=db"], "settings of a connection are given as a URL"),
    (["load", "--db", "postgresql://joe:sec%zzret@host/db"], "the database URL cannot be read"),
    (["load", "--db", "postgresql://joe:secret@127.0.0.1:1/db"], "no connection to PostgreSQL at 127.0.0.1, database db"),
    (["load", "--db", "x.db", "--tables", "hosts,nothing"], "table 'nothing'"),
    (["load", "--db", "x.db", "--tables", "record_matches"], "record_matches is an answer key and in no database"),
    (["load", "--db", "x.db", "--unlogged"], "--unlogged is for PostgreSQL"),
    (["load", "--db", "/dev/null"], "is no file"),
    (["unload", "--db", "x.db"], "delete the file"),
]


@pytest.mark.parametrize(("arguments", "part"), BAD, ids=[" ".join(arguments) for arguments, _ in BAD])
def test_what_is_wrong_is_one_line_and_exit_2(capsys, folder, arguments, part):
    line = refused(capsys, *arguments)
    assert part in line
    assert "secret" not in line
    assert "sec%zzret" not in line
    assert list(folder.iterdir()) == []


def test_sqlite_is_loaded_with_what_the_chosen_tables_refer_to(capfdbinary):
    out = said(capfdbinary, "load", "--db", "sqlite:///x.db", "--tables", "services", *KEY).decode()
    with sqlite3.connect("x.db") as connection:
        counts = {
            name: connection.execute(f"SELECT count(*) FROM synthetic_{name}").fetchone()[0] for name in dataset().tables
        }
    connection.close()
    assert {name: count for name, count in counts.items() if count} == {
        "applications": 60, "services": 90, "databases": 25, "hosts": 40,
    }  # fmt: skip
    assert "215 rows" in out
    assert "tenant acme" in out


COMMAND = [sys.executable, "-c", "import sys; from pytest_aosfarm.cli import main; sys.exit(main())", "data"]


def test_progress_is_shown_on_a_terminal_alone(tmp_path):
    command = [*COMMAND, "export", "invoices", "--format", "ndjson", "--out", str(tmp_path / "out")]
    quiet = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    assert quiet.stdout == quiet.stderr == b""
    ours, theirs = pty.openpty()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 65_536)
    os.close(ours)
    assert b"rows/s" in shown
    assert shown.endswith(b"\r\x1b[K")


def test_a_reader_that_goes_away_is_no_error():
    command = " ".join(f"'{part}'" for part in [*COMMAND, "export", "transactions", "--format", "ndjson", "--out", "-"])
    done = subprocess.run(["/bin/sh", "-c", f"{command} | head -n 1"], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""


FULL = "No space left on device"


@pytest.mark.parametrize(
    ("command", "redirection", "code", "line"),
    [
        ("tables", " >/dev/full", 2, f"aosfarm: [Errno 28] {FULL}"),
        ("tables", " >&-", 0, ""),
        ("export hosts --format csv --out -", " >&-", 2, "aosfarm: standard output is closed"),
        ("export hosts --format csv --out -", " >/dev/full", 2, f"aosfarm: standard output cannot be written: {FULL}"),
        ("export hosts --format csv --out out", " 2>&-", 0, ""),
        ("show nothing", " 2>&-", 2, ""),
    ],
)
def test_streams_that_take_nothing(folder, command, redirection, code, line):
    shell = ["/bin/sh", "-c", " ".join(f"'{part}'" for part in [*COMMAND, *command.split()]) + redirection]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(shell, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (code, "", line)


def test_a_key_that_the_terminal_cannot_show(folder):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    command = [*COMMAND, "load", "--db", "x.db", "--tables", "hosts", "--tenant", "café"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
    assert rb"tenant caf\xe9, id" in done.stdout


EXPORT = ("export", "logs", "--format", "csv", "--out", "out")
ENDED = [
    (EXPORT, signal.SIGTERM),
    pytest.param(EXPORT, signal.SIGINT, marks=pytest.mark.slow),
    pytest.param(EXPORT, signal.SIGHUP, marks=pytest.mark.slow),
    pytest.param(("load", "--db", "out.db", "--tables", "transactions"), signal.SIGTERM, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("arguments", "number"), ENDED, ids=["export", "export-int", "export-hup", "load"])
def test_a_command_that_is_ended_leaves_nothing(folder, arguments, number):
    command = [*COMMAND, *arguments, "--scale", "large"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE) as child:
        wait_until(lambda: any(path.stat().st_size > 1_000_000 for path in folder.iterdir()))
        child.send_signal(number)
        try:
            assert child.wait(10) == 128 + number
            assert child.stderr is not None
            assert child.stderr.read() == b""
        finally:
            child.kill()
    assert list(folder.iterdir()) == []


def test_nohup_is_heeded():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with clean_end() as check:
            signal.raise_signal(signal.SIGHUP)
            check()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_whose_exception_was_lost_ends_the_command_all_the_same():
    with clean_end() as check:
        check()
        with contextlib.suppress(SystemExit):
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(SystemExit) as ended:
            Progress(1, sys.stderr, check).advance(1)
    assert ended.value.code == 128 + signal.SIGTERM
