"""Two runs, test by test: what fails anew, what was fixed, what takes longer, and what else differs between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.errors import NotFoundError
from pytest_aosfarm.history.baseline import baseline_of
from pytest_aosfarm.history.compare_rows import Pair, differing, has_results, usual_paces
from pytest_aosfarm.history.pace import ENOUGH, is_faster, is_slower
from pytest_aosfarm.history.runs import COMPLETE, CONDITIONS, Row, run_of
from pytest_aosfarm.recording.tally import BAD, COUNTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_aosfarm.history.pace import Pace
    from pytest_aosfarm.recording.store import RunStore

__all__ = ("KINDS", "Change", "Comparison", "compare", "compare_with_baseline")

KINDS = {
    "newly_failing": "newly failing",
    "still_failing": "still failing",
    "other_error": "failing with another error",
    "fixed": "fixed",
    "new": "new",
    "removed": "removed",
    "not_run": "not run",
    "not_run_before": "not run before",
    "slower": "slower",
    "faster": "faster",
    "became_skipped": "became skipped",
    "became_xfailed": "became expected to fail",
    "unskipped": "no longer skipped",
    "changed": "other outcome",
}
"""How a test may differ between two runs, and how that is said; in the order in which it is shown."""

_SETTINGS = (
    *("scenario", "lab", "scale", "profile", "chaos", "data_tenant", "seed", "anchor"),
    *("vcs_branch", "vcs_sha", "vcs_dirty", "dist", "worker_count"),
)


@dataclass(frozen=True, slots=True)
class Change:
    """A test that is not as it was. Outcomes and microseconds are None on the side where the test is not there.

    `usual` is the pace that a slower or faster test was measured against beside the other run; None where too few passes
    were known, and the other run was all there is.
    """

    kind: str
    identity: str
    nodeid: str
    now: str | None
    then: str | None
    now_us: int | None
    then_us: int | None
    error_type: str | None = None
    error_location: str | None = None
    message: str | None = None
    usual: Pace | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`run` beside `base`, every column of each. `differences` maps a setting to its value (then, now).

    `chosen` says why `base` was; `pace_not_compared` why there are neither slower nor faster tests, or None.
    """

    run: Row
    base: Row
    chosen: str
    differences: Mapping[str, tuple[Any, Any]]
    changes: list[Change] = field(default_factory=list)
    pace_not_compared: str | None = None

    def of(self, kind: str) -> list[Change]:
        """The changes of one of KINDS."""
        return [one for one in self.changes if one.kind == kind]

    def counts(self) -> dict[str, int]:
        """How many changes there are of each kind that there is."""
        counted = {kind: len(self.of(kind)) for kind in KINDS}
        return {kind: count for kind, count in counted.items() if count}

    def headline(self) -> str:
        """The counts in words, with the test that lost most time."""
        words = [f"{count} {KINDS[kind]}" for kind, count in self.counts().items()]
        slower = self.of("slower")
        if slower:
            worst = slower[0]
            lost = ((worst.now_us or 0) - (worst.then_us or 0)) / 1e6
            words.append(f"worst {worst.nodeid.rpartition('/')[2]} +{lost:.1f} s")
        return ", ".join(words) or "no change"


def compare_with_baseline(store: RunStore, run_id: int) -> Comparison | None:
    """A run beside its baseline; None when it has none. Raises NotFoundError."""
    base = baseline_of(store, run_id)
    return None if base is None else compare(store, run_id, base.run_id, chosen=base.reason)


def compare(store: RunStore, run_id: int, base_id: int, *, chosen: str = "named") -> Comparison:
    """A run beside another one, earlier or later. Only attempts that decided count; a crash is a failure.

    Raises NotFoundError for a run that is not there, or whose results were pruned.
    """
    with store.reading() as connection:
        run, base = run_of(connection, store, run_id), run_of(connection, store, base_id)
        pairs = differing(connection, store.tenant, run_id, base_id)
        for one, missing in (
            (run, any(pair.now is None for pair in pairs.values())),
            (base, any(pair.then is None for pair in pairs.values())),
        ):
            if missing and _has_counts(one) and not has_results(connection, store.tenant, one["id"]):
                raise NotFoundError(f"the results of run {one['id']} were pruned; its counts are all that is left")
        unlike = [name for name in CONDITIONS if run[name] != base[name]]
        timed = [] if unlike else [one for one, pair in pairs.items() if _has_moved(pair)]
        paces = usual_paces(connection, store.tenant, base, timed)
    judge = _Judge(run, base, pairs.values(), None if unlike else paces)
    changes = [change for pair in pairs.values() if (change := judge.change(pair)) is not None]
    order = list(KINDS)
    changes.sort(key=lambda one: (order.index(one.kind), -abs((one.now_us or 0) - (one.then_us or 0)), one.nodeid))
    reason = f"{', '.join(unlike)} not the same" if unlike else None
    return Comparison(run, base, chosen, _differences(run, base), changes, reason)


class _Judge:
    """Says of each pair which kind of change it is."""

    def __init__(self, run: Row, base: Row, pairs: Iterable[Pair], paces: Mapping[int, Pace] | None) -> None:
        self._base_id = base["id"]
        self._run_is_whole, self._base_is_whole = _is_whole(run, base), _is_whole(base, run)
        self._skipped_now = _skipped_files((one.nodeid, one.now, one.now_phase) for one in pairs)
        self._skipped_then = _skipped_files((one.nodeid, one.then, one.then_phase) for one in pairs)
        self._paces = paces

    def change(self, pair: Pair) -> Change | None:
        """The change, or None when it is none."""
        kind = self._kind(pair)
        if kind is None:
            return None
        failing = pair.now in BAD
        usual = self._paces.get(pair.test_id) if self._paces and kind in {"slower", "faster"} else None
        return Change(
            kind, pair.identity, pair.nodeid, pair.now, pair.then, pair.now_us, pair.then_us,
            error_type=pair.error_type if failing else None,
            error_location=pair.error_location if failing else None,
            message=pair.message,
            usual=usual if usual is not None and usual.passes >= ENOUGH else None,
        )  # fmt: skip

    def _kind(self, pair: Pair) -> str | None:
        if "collect" in {pair.now_phase, pair.then_phase}:
            return _kind_of_file(pair)
        if pair.now is None:
            return self._kind_of_missing(pair)
        if pair.then is None:
            return self._kind_of_added(pair)
        if pair.now == pair.then and pair.now not in BAD:
            return self._kind_of_timed(pair)
        return _kind_of_both(pair)

    def _kind_of_missing(self, pair: Pair) -> str:
        if pair.nodeid.startswith(self._skipped_now):
            return "became_skipped"
        return "removed" if self._run_is_whole else "not_run"

    def _kind_of_added(self, pair: Pair) -> str:
        if pair.nodeid.startswith(self._skipped_then):
            return "newly_failing" if pair.now in BAD else "unskipped"
        return "new" if self._base_is_whole or pair.first_run_id > self._base_id else "not_run_before"

    def _kind_of_timed(self, pair: Pair) -> str | None:
        if self._paces is None or pair.now != "passed" or pair.now_us is None or pair.then_us is None:
            return None
        usual = self._paces.get(pair.test_id)
        if is_slower(pair.now_us, pair.then_us, usual):
            return "slower"
        return "faster" if is_faster(pair.now_us, pair.then_us, usual) else None


def _kind_of_both(pair: Pair) -> str:
    if pair.now in BAD:
        return _kind_of_failing(pair)
    if pair.now in {"skipped", "xfailed"}:
        return f"became_{pair.now}"
    if pair.then in BAD:
        return "fixed"
    return "unskipped" if pair.then == "skipped" else "changed"


def _kind_of_failing(pair: Pair) -> str:
    if pair.then not in BAD:
        return "newly_failing"
    return "still_failing" if pair.now_signature == pair.then_signature else "other_error"


def _kind_of_file(pair: Pair) -> str | None:
    """A file that could not be collected in one of the runs; that one is skipped is said of its tests."""
    if pair.now in BAD:
        return _kind_of_failing(pair)
    return "fixed" if pair.then in BAD and pair.now is None else None


def _skipped_files(found: Iterable[tuple[str, str | None, str | None]]) -> tuple[str, ...]:
    """What the names of tests begin with whose files were skipped as a whole."""
    files = [name for name, outcome, phase in found if phase == "collect" and outcome == "skipped"]
    return tuple(f"{name}{end}" for name in files for end in ("::", "/"))


def _is_whole(run: Row, other: Row) -> bool:
    """Whether a test that has no result in `run`, but in `other`, cannot have been there: nothing else kept it away."""
    asked = all(run[name] == other[name] for name in ("lab", "selection"))
    return run["status"] in COMPLETE and run["not_run"] == 0 and asked and run["deselected"] <= other["deselected"]


def _has_counts(run: Row) -> bool:
    return any(run[name] for name in COUNTS.values())


def _has_moved(pair: Pair) -> bool:
    """Whether only the usual pace can tell that a test is not slower or faster."""
    if pair.now != "passed" or pair.then != "passed" or pair.now_us is None or pair.then_us is None:
        return False
    return is_slower(pair.now_us, pair.then_us, None) or is_faster(pair.now_us, pair.then_us, None)


def _differences(run: Row, base: Row) -> dict[str, tuple[Any, Any]]:
    then, now = _flat(base), _flat(run)
    return {name: (then.get(name), now.get(name)) for name in {**then, **now} if then.get(name) != now.get(name)}


def _flat(run: Row) -> dict[str, Any]:
    """Settings by name, those inside others with dots."""
    flat = {name: run[name] for name in _SETTINGS}
    for name in ("selection", "environment"):
        flat |= dict(_leaves(name, run[name] or {}))
    return flat


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}", inner)
    else:
        yield name, value
