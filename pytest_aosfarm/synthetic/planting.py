"""Which system of the enterprise gets which shape: exact shares, dealt by keyed shuffles, families side by side."""

from __future__ import annotations

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
        yield Planted(number, row["domain"], names.label(number), row["name"], row["vendor"], row["owner"], dealt)

    stranger = _Strangers(seed, tenant_key, names, known_count)
    order = Shuffle(unknown_count, seed, tenant_key, "planting", "unknown")
    taken = dict.fromkeys(("lookalike", "other suffix", "sibling", "excluded"), 0)
    for slot, shape in enumerate(_spread(unknown)):
        number = known_count + order[slot]
        turn = taken.get(shape.kin, 0)
        if shape.kin:
            taken[shape.kin] += 1
        relative = relatives.get(shape.kin)
        yield stranger.planted(number, shape, turn, relative, applications)


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

    def __init__(self, seed: int, tenant_key: str, names: Names, people: int) -> None:
        self._names = names
        self._people = people
        self._title = Draws(seed, tenant_key, "strangers", "title")
        self._vendor = Draws(seed, tenant_key, "strangers", "vendor")
        self._owner = Draws(seed, tenant_key, "strangers", "owner")

    def planted(
        self, number: int, shape: Shape, turn: int, relatives: list[int] | None, applications: Applications
    ) -> Planted:
        """System `number`; its relative, if the shape has one, is the `turn`-th of the seeds."""
        names, words = self._names, vocabulary()
        label, suffix = names.label(number), names.suffix(number)
        if shape.kin == "excluded":
            label, suffix = EXCLUDED_DOMAINS[turn].split(".", 1)
        suffixes = words.company_suffixes
        kin = applications[relatives[turn // _SIBLINGS_PER_SEED if shape.kin == "sibling" else turn]] if relatives else {}
        if relatives and shape.kin == "lookalike":
            label = names.lookalike(relatives[turn])
        elif relatives and shape.kin == "other suffix":
            label, suffix = names.label(relatives[turn]), names.other_suffix(relatives[turn])
            suffixes = tuple(word for word in suffixes if not kin["vendor"].endswith(f" {word}"))
        vendor = kin["vendor"] if shape.kin == "sibling" else f"{label.capitalize()} {self._vendor.pick(number, suffixes)}"
        return Planted(
            number=number,
            key=f"{label}.{suffix}",
            label=label,
            title=f"{label.capitalize()} {self._title.pick(number, words.products)}",
            vendor=vendor,
            owner=names.person(self._owner.below(number, self._people)).email,
            shape=shape,
        )
