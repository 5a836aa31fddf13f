"""The data is one and the same, however it is computed: in any process, order, part and thread, with any CPU and NumPy.

`.ci/run` runs this file with the oldest NumPy and PyArrow too.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_examples import examples

from pytest_aosfarm.sinks.ndjson import digest, ndjson
from pytest_aosfarm.synthetic.dataset import ANCHOR, Dataset
from pytest_aosfarm.synthetic.rows import Block
from pytest_aosfarm.synthetic.vector import draws

GOLDEN = {
    "applications": "eac8b3f91c1a8f6d17f1fa5be3fcef8e120475011e1fe0d87bc350fae3114b96",
    "services": "73e95a04be78413f1d26caddab882d39db948f532b4c6347a33afe64a8e90f50",
    "databases": "ca226624125377030de65ddb4e67ea2b9b2469b9681002486c0c50f278aae6e3",
    "hosts": "47ca915c355acbc12f8076d4f5c8d7199d83a95bb0d51195b0bf2f219fd13515",
    "customers": "da75ce8f52fb7a4325b8f86de5c3936426ca863af88225f7bcc3a957b1662582",
    "subscriptions": "1c3c0aae49f097c6800f133d9f751e8cc62ec1d9c0d4d862fc8923a202e9ee74",
    "invoices": "160a0b071de9b5bef07c75b3aa6404ef8b1263defaea8d74074a85aec4ef852d",
    "transactions": "1b7bf127dffaf678e7d7e0e81b9505cafe4d09b3896386cac4a489f9fce51316",
    "logs": "ebf751e19a1249f333dd5b3478ef06eddde1692ba83f5e184ea0ef65fea9be3f",
    "network_flows": "2dcde816072887b622170f73e4d97e6efa2f1b34ee72737750148c66a9609a4b",
    "auth_events": "a571ae4f792ec5ffe2aadd3d2e1983a54266053ce6e8d5b926bab390f3966886",
    "crm_customers": "423d3a029e09f01d55a6adf462e2d81461cb4b84239d8a4cdf648ce4be33a17b",
    "billing_customers": "ad08c1abb004049e79794192283e3235d247e5622e9e32508db1fbdb09db51f6",
    "erp_customers": "829ec3f1267c832b907766a382193c46d33bb3ccb04f8e8c641f36c6c2899be5",
    "record_matches": "b9f2c23839f9037fcc7882dcbfcb5a468ed09673623edcde524f9cdac70409bf",
    "source_conflicts": "7260626ee4975b271590feb08feed9b41ddcac28db67cbd9c20c835cbbe0b35e",
}
SMALL = Dataset("acme", seed=1, scale="small", anchor=ANCHOR)
NAMES = (*SMALL.tables, *SMALL.answer_keys)
ROWS = 2000
"""Rows of each table that digests are of, where it has more."""

SCRIPT = f"""
import json, sys
from pytest_aosfarm.sinks.ndjson import digest
from pytest_aosfarm.synthetic.dataset import ANCHOR, Dataset
small = Dataset("acme", seed=1, scale="small", anchor=ANCHOR)
tables = small.tables | small.answer_keys
print(json.dumps({{name: digest(table, range(min(len(table), {ROWS})), sys.argv[1]) for name, table in tables.items()}}))
if sys.argv[1] == "scalar":
    assert "numpy" not in sys.modules and "pyarrow" not in sys.modules
"""


@cache
def dataset(scale: str = "small", seed: int = 1, tenant: str = "acme") -> Dataset:
    return Dataset(tenant, seed=seed, scale=scale, anchor=ANCHOR)


def digests(path: str, **environment: str) -> dict[str, str]:
    """The digest of every table, computed by a process of its own."""
    command = [sys.executable, "-c", SCRIPT, path]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def first(name: str) -> range:
    return range(min(len(dataset().table(name)), ROWS))


def no_simd() -> dict[str, str]:
    """What switches off every instruction set that NumPy would choose at run time."""
    core = import_module("numpy._core._multiarray_umath")
    return {"NPY_DISABLE_CPU_FEATURES": " ".join(core.__cpu_dispatch__)}


@pytest.mark.parametrize("name", NAMES)
def test_golden_digests(name):
    assert digest(dataset().table(name), first(name)) == GOLDEN[name]


def test_every_table_has_a_golden_digest():
    assert tuple(GOLDEN) == NAMES


@pytest.mark.parametrize("path", ["scalar", "vector"])
def test_in_any_process_whatever_the_hash_seed(path):
    assert digests(path, PYTHONHASHSEED="77") == GOLDEN


def test_without_simd():
    environment = no_simd()
    assert environment["NPY_DISABLE_CPU_FEATURES"]
    assert digests("vector", **environment) == GOLDEN


def test_in_threads():
    cold = Dataset("acme", seed=1, scale="small", anchor=ANCHOR)  # its caches are filled by several threads at once
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda name: digest(cold.table(name), first(name)), [*NAMES, *NAMES])
        assert list(found) == [*GOLDEN.values(), *GOLDEN.values()]


@settings(max_examples=examples(30), deadline=None)
@given(st.sampled_from(NAMES), st.sets(st.integers(0, 2000), max_size=5), st.sampled_from(["scalar", "vector"]))
def test_in_any_parts(name, cuts, path):
    rows = first(name)
    ends = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
    seen = hashlib.sha256()
    for start, stop in itertools.pairwise(ends):
        for _, lines in ndjson(dataset().table(name), range(start, stop), path):
            seen.update(lines)
    assert seen.hexdigest() == GOLDEN[name]


@settings(max_examples=examples(30), deadline=None)
@given(st.data(), st.sampled_from(NAMES), st.sampled_from(["small", "large", "planet"]))
def test_any_rows_in_any_order(data, name, scale):
    table = dataset(scale).table(name)
    rows = data.draw(st.lists(st.integers(0, len(table) - 1), min_size=1, max_size=20))
    from pytest_aosfarm.synthetic.arrow import values

    block = Block(table, np.array(rows))
    found = zip(*(values(kind, block[column], len(rows)) for column, kind in table.kinds.items()), strict=True)
    assert [dict(zip(table.columns, row, strict=True)) for row in found] == [table.row(i) for i in rows]


@pytest.mark.parametrize("name", NAMES)
def test_two_tenants_share_no_id(name):
    tables = [dataset(seed=seed, tenant=tenant).table(name) for seed, tenant in ((1, "acme"), (1, "zeta"), (2, "acme"))]
    ids = [{row[table.unique[0]] for row in table} for table in tables]
    assert len(set.union(*ids)) == sum(map(len, ids)) == sum(map(len, tables))


def agreement(xs: np.ndarray, ys: np.ndarray) -> float:
    """How often bits agree over all 64 places, as a distance from chance in standard deviations; the worst place."""
    same = np.unpackbits((~(xs ^ ys)).view(np.uint8).reshape(-1, 8), axis=1).sum(axis=0, dtype=np.int64)
    return float(np.abs(same - len(xs) / 2).max() / math.sqrt(len(xs) / 4))


def columns_of(name: str) -> dict[str, tuple[int, int]]:
    """The keys of all draws that a row of the table makes."""
    table = dataset().table(name)
    table.row(0)
    return dict(table.keys)


WORST = 6.0
"""Standard deviations; over all pairs here, chance goes beyond 5.6 once in a thousand runs, and the seed is fixed."""


@pytest.mark.parametrize("name", NAMES)
def test_columns_and_seeds_are_uncorrelated(name):
    rows = range(16_384)
    found = {column: draws(key, rows) for column, key in columns_of(name).items()}
    others = {column: draws(dataset(seed=2).table(name).keys[column], rows) for column in found}
    for one, other in itertools.combinations(found.values(), 2):
        assert agreement(one, other) < WORST
        assert agreement(one[1:], other[:-1]) < WORST
    for column, bits in found.items():
        assert agreement(bits, others[column]) < WORST
        assert agreement(bits[1:], bits[:-1]) < WORST


def test_the_measure_of_agreement_can_fail():
    bits = draws((1, 2), range(16_384))
    assert agreement(bits, bits ^ np.uint64(1 << 40)) > WORST
