"""NDJSON, CSV and Parquet: what is written is what the rows are, and a file is there whole or not at all."""

from __future__ import annotations

import csv
import json
from hashlib import sha256

import pyarrow.csv
import pyarrow.parquet
import pytest
from synthetic_data import dataset, every_table

from pytest_aosfarm.errors import LoadError
from pytest_aosfarm.sinks.atomic import opened
from pytest_aosfarm.sinks.columnar import GROUP
from pytest_aosfarm.sinks.files import export
from pytest_aosfarm.sinks.ndjson import digest, ndjson
from pytest_aosfarm.synthetic.columns import Boolean, Id, IPv4, Number, Text, Timestamp, WordLists, Words
from pytest_aosfarm.synthetic.rows import NULL
from pytest_aosfarm.synthetic.table import Table, column

ROWS = range(100, 300)


class Nullable(Table):
    """Every kind that may be null, null in one row of three."""

    name = "nullable"

    @column(Id("x-", null=True))
    def _id(self, r):
        return r.where(r.i % 3 == 0, 0, r.bits("id") | 1)

    @column(Number(null=True))
    def _number(self, r):
        return r.where(r.i % 3 == 1, NULL, 5 - r.i)

    @column(Timestamp(null=True))
    def _at(self, r):
        return r.where(r.i % 3 == 2, NULL, r.i * 86_400_000_000 + 1)

    @column(IPv4(null=True))
    def _address(self, r):
        return r.where(r.i % 3 == 1, NULL, r.i * 65_537 & 0xFFFFFFFF)

    @column(Words(("a", "bb"), null=True))
    def _word(self, r):
        return r.where(r.i % 3 == 0, NULL, r.i & 1)

    @column(Words(("c", "dd", "eee")))
    def _other(self, r):
        return r.i % 3

    @column(Text("n", Number(), ".", null=True))
    def _text(self, r):
        return (r.where(r.i % 3 == 0, NULL, r.i),)

    @column(Boolean())
    def _flag(self, r):
        return r.i & 1

    @column(WordLists((["p", "q"], ["r"])))
    def _list(self, r):
        return r.i & 1


TABLES = [*every_table(), Nullable(1_000, 1, "acme")]
tables = pytest.mark.parametrize("table", TABLES, ids=[f"{table.name}-{len(table)}" for table in TABLES])


def lines(table, rows=None, path="vector") -> bytes:
    return b"".join(bytes(some) for _, some in ndjson(table, rows, path))


@tables
@pytest.mark.parametrize("rows", [range(200), range(16_300, 16_500), range(7, 8), range(5, 5)], ids=str)
def test_both_ways_to_ndjson_give_the_same_bytes(table, rows):
    """Some of these rows lie in two blocks of the vector path."""
    rows = range(min(rows.start, len(table)), min(rows.stop, len(table)))
    by_row = lines(table, rows, "scalar")
    assert lines(table, rows) == by_row
    assert [json.loads(line) for line in by_row.splitlines()] == table[rows.start : rows.stop]
    assert by_row.count(b"\n") == len(rows)
    assert digest(table, rows) == digest(table, rows, "scalar") == sha256(by_row).hexdigest()


def test_the_bytes_are_those_of_compact_json():
    row = dataset().tables["applications"].row(3)
    assert lines(dataset().tables["applications"], range(3, 4)) == json.dumps(row, separators=(",", ":")).encode() + b"\n"


@tables
def test_ndjson_is_what_digests_are_of(table, tmp_path):
    seen: list[int] = []
    export(table, "ndjson", str(tmp_path / "out"), ROWS if len(table) > ROWS.stop else None, advance=seen.append)
    found = (tmp_path / "out").read_bytes()
    assert sha256(found).hexdigest() == digest(table, ROWS if len(table) > ROWS.stop else None)
    assert sum(seen) == found.count(b"\n")


def test_rows_that_are_not_there_and_ways_that_are_none_are_refused():
    with pytest.raises(IndexError):
        ndjson(dataset().tables["hosts"], range(39, 41))
    with pytest.raises(ValueError, match="scalar, vector"):
        ndjson(dataset().tables["hosts"], path="fast")


def text_of(value):
    """What a CSV reader finds."""
    if value is None:
        return ""
    if isinstance(value, list):
        return json.dumps(value, separators=(",", ":"))
    return str(value).lower() if isinstance(value, bool) else str(value)


@tables
def test_csv_reads_back_as_the_rows(table, tmp_path):
    export(table, "csv", str(tmp_path / "out.csv"))
    with (tmp_path / "out.csv").open(newline="") as file:
        found = list(csv.reader(file))
    assert found[0] == list(table.columns)
    assert found[1:] == [[text_of(value) for value in row.values()] for row in table]
    assert pyarrow.csv.read_csv(tmp_path / "out.csv").num_rows == len(table)


@tables
def test_parquet_reads_back_as_the_rows(table, tmp_path):
    export(table, "parquet", str(tmp_path / "out.parquet"))
    found = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    assert found.equals(table.to_arrow())
    assert found.schema.equals(table.to_arrow().schema)


def test_parquet_keeps_lists_and_moments_as_what_they_are(tmp_path):
    export(dataset().tables["applications"], "parquet", str(tmp_path / "out"))
    assert pyarrow.parquet.read_table(tmp_path / "out").column("tech_stack")[0].as_py() == dataset().assets.applications[0][
        "tech_stack"
    ]


@pytest.mark.parametrize("form", ["csv", "parquet", "ndjson"])
def test_the_same_rows_give_the_same_file(tmp_path, form):
    for name in ("one", "two"):
        export(dataset().tables["invoices"], form, str(tmp_path / name))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_parquet_has_groups_of_a_sensible_size(tmp_path):
    export(Nullable(GROUP + 5, 1, "acme"), "parquet", str(tmp_path / "out"))
    read = pyarrow.parquet.ParquetFile(tmp_path / "out").metadata
    assert [read.row_group(k).num_rows for k in range(read.num_row_groups)] == [GROUP, 5]
    assert read.row_group(0).column(0).compression == "ZSTD"


@pytest.mark.parametrize("form", ["csv", "parquet", "ndjson"])
def test_a_failed_export_leaves_nothing_and_what_was_there(tmp_path, form):
    class Raising(Nullable):
        def blocks(self, rows=None):
            for block in super().blocks(rows):
                if block.rows.start:
                    raise RuntimeError("midway")
                yield block

    (tmp_path / "there").write_text("before")
    for name in ("there", "new"):
        with pytest.raises(RuntimeError, match="midway"):
            export(Raising(40_000, 1, "acme"), form, str(tmp_path / name))
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert (tmp_path / "there").read_text() == "before"


@pytest.mark.parametrize("form", ["csv", "parquet", "ndjson"])
def test_a_full_disk_is_one_clear_line(form):
    with pytest.raises(LoadError, match=r"^/dev/full cannot be written: No space left on device; .*name another file$"):
        export(dataset().tables["invoices"], form, "/dev/full")


def test_a_folder_that_is_not_there_and_one_that_is(tmp_path):
    hosts = dataset().tables["hosts"]
    with pytest.raises(LoadError, match="No such file"):
        export(hosts, "csv", str(tmp_path / "no" / "out"))
    with pytest.raises(LoadError, match="is no file"):
        export(hosts, "csv", str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path):
    (tmp_path / "real").write_text("before")
    (tmp_path / "link").symlink_to("real")
    with opened(tmp_path / "link") as file:
        file.write(b"after")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "after"


def test_parquet_is_no_stream():
    with pytest.raises(LoadError, match="--out"):
        export(dataset().tables["hosts"], "parquet", "-")
