"""Planted truth is true: an oracle written from AOD's rules alone agrees on every key, and the evidence gives no hint."""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from oracle.hard_shapes import HARD_SHAPES, hard_shapes
from oracle.leakage import FIELDS, Sample, balanced_accuracy, inject_hint, texts
from oracle.limits import banned, outside, references
from oracle.rederive import explain
from oracle.subject import Subject

import pytest_aosfarm
from pytest_aosfarm.synthetic.dataset import Dataset
from pytest_aosfarm.synthetic.shapes import KNOWN_SHAPES, PROFILES, UNKNOWN_SHAPES
from pytest_aosfarm.tenants import Tenant

if TYPE_CHECKING:
    from collections.abc import Callable

ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)
TENANT = Tenant.of_run("00000000-0000-4000-8000-000000000001", "acme")
VERDICTS = {"clean", "shadow", "zombie", "parked", "indeterminate", "rejected"}
SHAPES = {shape.name for shape in (*KNOWN_SHAPES, *UNKNOWN_SHAPES)}
SMALL_SEEDS = range(1, 201)
TOGETHER = 20
LEAKAGE_SEEDS = range(1, 121)
HINTED_SEEDS = range(1, 21)
HINTS = {"shadow": " app"}
HERE = Path(__file__).resolve().parents[1]
PACKAGE = Path(pytest_aosfarm.__file__).parent


def planted(scale: str, seed: int) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """Document, verdicts and shapes; the seed also picks the profile."""
    profile = PROFILES[seed % len(PROFILES)]
    snapshot = Dataset(f"tenant-{seed}", seed=seed, scale=scale, anchor=ANCHOR, profile=profile).snapshot()
    truth = snapshot.truth
    return (
        snapshot.document(TENANT),
        {key: truth[key].verdict for key in truth},
        {key: truth[key].shape for key in truth},
    )


@dataclass(frozen=True)
class Examined:
    """What is wrong with a snapshot, one line each, and the texts by which its verdicts could be guessed."""

    faults: list[str]
    samples: dict[str, list[Sample]]


def examine(scale: str, seed: int) -> Examined:
    document, verdicts, shapes = planted(scale, seed)
    subject = Subject(document, verdicts.keys())
    faults = [
        f"{key} ({shapes.get(key)}) is planted {verdicts.get(key)}, but: {'; '.join(explain(document, key))}"
        for key in sorted(verdicts.keys() | subject.verdicts.keys())
        if verdicts.get(key) != subject.verdicts.get(key)
    ]
    faults += outside(subject)
    faults += references(document)
    faults += banned(document)
    faults += [f"no key is {verdict}" for verdict in sorted(VERDICTS ^ set(verdicts.values()))]
    faults += [f"no key has the shape {shape}" for shape in sorted(SHAPES ^ set(shapes.values()))]
    faults += [f"the evidence has no {shape}" for shape in sorted(HARD_SHAPES - hard_shapes(subject))]
    return Examined(faults, texts(document, verdicts, subject.estate) if scale == "small" and seed in LEAKAGE_SEEDS else {})


@pytest.fixture(scope="module")
def examined() -> Callable[[int], Examined]:
    """What `examine` says of a small snapshot; made once per seed, because two kinds of test ask for it."""
    return cache(lambda seed: examine("small", seed))


def first_of(faults: list[str]) -> str:
    """At most 20 faults, as text; empty if there is none."""
    return "\n".join([*faults[:20], *([f"and {len(faults) - 20} more"] if len(faults) > 20 else [])])


@pytest.mark.parametrize(
    "first",
    [pytest.param(first, marks=() if first == SMALL_SEEDS[0] else pytest.mark.slow) for first in SMALL_SEEDS[::TOGETHER]],
)
def test_truth_and_limits_hold_at_small(examined: Callable[[int], Examined], first: int) -> None:
    seeds = range(first, first + TOGETHER)
    assert not first_of([f"seed {seed}: {fault}" for seed in seeds for fault in examined(seed).faults])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 21))
def test_truth_and_limits_hold_at_medium(seed: int) -> None:
    assert not first_of(examine("medium", seed).faults)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_truth_and_limits_hold_at_large(seed: int) -> None:
    assert not first_of(examine("large", seed).faults)


@pytest.fixture(scope="module")
def samples(examined: Callable[[int], Examined]) -> dict[str, list[Sample]]:
    """List ("plane.kind") -> the samples of many tenants."""
    pooled: dict[str, list[Sample]] = defaultdict(list)
    for seed in LEAKAGE_SEEDS:
        for name, found in examined(seed).samples.items():
            pooled[name] += found
    return pooled


@pytest.mark.slow
@pytest.mark.parametrize("name", [".".join(names) for names in FIELDS if names != ("finance", "vendors")])
def test_ids_and_names_do_not_tell_the_verdict(samples: dict[str, list[Sample]], name: str) -> None:
    score = balanced_accuracy(samples[name], seed=1)
    assert not score.leaks, f"{name}: balanced accuracy {score.accuracy:.3f} > {score.chance:.3f} + 3 x {score.sigma:.3f}"


@pytest.mark.slow
def test_finance_vendors_name_no_key(samples: dict[str, list[Sample]]) -> None:
    assert samples["finance.vendors"] == []


def test_a_hint_in_the_names_of_shadows_would_be_found() -> None:
    hinted: list[Sample] = []
    for seed in HINTED_SEEDS:
        document, verdicts, _ = planted("small", seed)
        hinted += texts(inject_hint(document, verdicts, HINTS), verdicts)["discovery.observations"]
    assert balanced_accuracy(hinted, seed=1).leaks


def imported(root: Path, folder: str) -> set[str]:
    """The absolute names of whatever the modules in `root/folder` import, and every text that could be such a name."""
    names = set()
    for path in (root / folder).rglob("*.py"):
        package = path.relative_to(root).parent.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = package[: len(package) + 1 - node.level] if node.level else ()
                module = ".".join([*base, *([node.module] if node.module else [])])
                names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value)
    return names


@pytest.mark.parametrize(
    ("root", "folder", "others"),
    [
        (HERE, "oracle", ["pytest_aosfarm"]),
        (PACKAGE.parent, "pytest_aosfarm/twins", ["oracle", "tests", "pytest_aosfarm.synthetic", "pytest_aosfarm.grading"]),
        (PACKAGE.parent, "pytest_aosfarm/synthetic", ["oracle", "tests", "pytest_aosfarm.twins", "pytest_aosfarm.modules"]),
    ],
    ids=["oracle", "twins", "synthetic"],
)
def test_oracle_twins_and_generator_share_no_code(root: Path, folder: str, others: list[str]) -> None:
    names = imported(root, folder)
    assert "__future__" in names
    assert not {name for name in names for other in others if f"{name}.".startswith(f"{other}.")}
