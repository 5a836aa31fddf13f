"""Which system of the enterprise gets which shape: exact shares, dealt by keyed shuffles, families side by side."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic.hashing import Draws, Shuffle
from pytest_aosfarm.synthetic.shapes import EXCLUDED_DOMAINS, KNOWN_SHAPES, PROFILES, UNKNOWN_SHAPES
from pytest_aosfarm.synthetic.vocabulary import vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_aosfarm.synthetic.assets import Applications
    from pytest_aosfarm.synthetic.names import Names
    from pytest_aosfarm.synthetic.shapes import Shape

__all__ = ("Planted", "plant")

_SIBLINGS_PER_SEED = 2


@dataclass(frozen=True, slots=True)
class Planted:
    """One discoverable system: its key, how it is called, and the shape of evidence it gets."""

    number: int
    key: str
    label: str
    title: str
    vendor: str
    owner: str
    shape: Shape


def plant(seed: int, tenant_key: str, profile: str, names: Names, applications: Applications) -> Iterator[Planted]:
    """Every system of the estate: first the applications the company knows, then as many that it does not.

    Linear in the number of applications.
    """
    known_count = unknown_count = len(applications)
    at = PROFILES.index(profile)
    unknown = _allot(UNKNOWN_SHAPES, unknown_count, at, {"excluded": len(EXCLUDED_DOMAINS)})
    kin = {shape.kin: sum(n for s, n in unknown if s.kin == shape.kin) for shape in UNKNOWN_SHAPES}
    seeds = {
        "lookalike seed": kin["lookalike"],
        "other suffix seed": kin["other suffix"],
        "sibling seed": -(-kin["sibling"] // _SIBLINGS_PER_SEED),
    }
    known = [(shape, seeds[shape.kin]) for shape in KNOWN_SHAPES if shape.kin]
    ordinary = [shape for shape in KNOWN_SHAPES if not shape.kin]
    known += _allot(ordinary, known_count - sum(seeds.values()), at, {})

    deal = Shuffle(known_count, seed, tenant_key, "planting", "known")
    relatives: dict[str, list[int]] = {}
    shape_of: list[Shape | None] = [None] * known_count
    for slot, shape in enumerate(_spread(known)):
        number = deal[slot]
        shape_of[number] = shape
        if shape.kin:
            relatives.setdefault(shape.kin.removesuffix(" seed"), []).append(number)
    for number, dealt in enumerate(shape_of):
        if dealt is None:
            raise AssertionError(f"application {number} was dealt no shape")
        row = applications[number]
        label, _, _ = row["domain"].partition(".")
        yield Planted(number, row["domain"], label, row["name"], row["vendor"], row["owner"], dealt)

    stranger = _Strangers(seed, tenant_key, names, applications)
    order = Shuffle(unknown_count, seed, tenant_key, "planting", "unknown")
    taken: Counter[str] = Counter()
    for slot, shape in enumerate(_spread(unknown)):
        number = known_count + order[slot]
        turn = taken[shape.kin]
        taken[shape.kin] += 1
        if shape.kin in relatives:
            seeds_of = relatives[shape.kin]
            yield stranger.relative(number, shape, seeds_of[turn // _SIBLINGS_PER_SEED if shape.kin == "sibling" else turn])
        elif shape.kin == "excluded":
            label, suffix = EXCLUDED_DOMAINS[turn].split(".", 1)
            yield stranger.planted(number, shape, label, suffix)
        else:
            yield stranger.planted(number, shape, names.label(number), names.suffix(number))


def _spread(allotment: Sequence[tuple[Shape, int]]) -> Iterator[Shape]:
    for shape, count in allotment:
        for _ in range(count):
            yield shape


def _allot(shapes: Sequence[Shape], total: int, profile: int, most: dict[str, int]) -> list[tuple[Shape, int]]:
    """Deal `total` among `shapes` by their shares, at least one each; what rounding or a limit leaves goes to the first."""
    weight = sum(shape.shares[profile] for shape in shapes)
    spare = total - len(shapes)
    counts = [1 + spare * shape.shares[profile] // weight for shape in shapes]
    counts = [min(n, most.get(shape.kin, n)) for shape, n in zip(shapes, counts, strict=True)]
    counts[0] += total - sum(counts)
    return list(zip(shapes, counts, strict=True))


class _Strangers:
    """Systems that the company does not know it has."""

    def __init__(self, seed: int, tenant_key: str, names: Names, applications: Applications) -> None:
        self._names = names
        self._applications = applications
        self._words = vocabulary()
        self._title = Draws(seed, tenant_key, "strangers", "title")
        self._vendor = Draws(seed, tenant_key, "strangers", "vendor")
        self._owner = Draws(seed, tenant_key, "strangers", "owner")

    def relative(self, number: int, shape: Shape, seed: int) -> Planted:
        """System `number`, which looks like, or belongs to the vendor of, application `seed`."""
        names, their_vendor = self._names, self._applications[seed]["vendor"]
        if shape.kin == "sibling":
            return self.planted(number, shape, names.label(number), names.suffix(number), vendor=their_vendor)
        if shape.kin == "lookalike":
            return self.planted(number, shape, names.lookalike(seed), names.suffix(number))
        label = names.label(seed)
        others = [word for word in self._words.company_suffixes if not their_vendor.endswith(f" {word}")]
        vendor = f"{label.capitalize()} {self._vendor.pick(number, others)}"
        return self.planted(number, shape, label, names.other_suffix(seed), vendor=vendor)

    def planted(self, number: int, shape: Shape, label: str, suffix: str, *, vendor: str | None = None) -> Planted:
        """System `number` at `label.suffix`, of a vendor of its own unless one is given."""
        name = label.capitalize()
        return Planted(
            number=number,
            key=f"{label}.{suffix}",
            label=label,
            title=f"{name} {self._title.pick(number, self._words.products)}",
            vendor=vendor or f"{name} {self._vendor.pick(number, self._words.company_suffixes)}",
            owner=self._names.person(self._owner.below(number, len(self._applications))).email,
            shape=shape,
        )
