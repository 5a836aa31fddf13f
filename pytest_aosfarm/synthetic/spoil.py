"""How one value goes wrong: which fields of a table each kind of mess can hit, and what it makes of a value there.

All of it follows from what the columns hold: their kinds, `unique` and `references`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_aosfarm.synthetic.columns import (
    Boolean,
    Id,
    IPv4,
    Kind,
    Number,
    Of,
    Pairs,
    Text,
    Timestamp,
    WordLists,
    Words,
)  # fmt: skip
from pytest_aosfarm.synthetic.hashing import draw, draw_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_aosfarm.synthetic.table import Table

    Change = Callable[[Any, int], Any]

__all__ = ("ABSENT", "CHANGES", "Target", "targets")

ABSENT = object()
"""What a field becomes that the messy row does not have."""

_NO_ROW = 1 << 48
"""A row number that no table reaches: the ids drawn from it on belong to nobody, and no two draws are equal."""
_ID_KEYS = {"employees": "people"}
"""A table whose ids are another's: the employees are the first of the people."""
_LOOKED_AT, _STRIDE = 8, 0x9E3779B1
"""How many rows are looked at for another number, and how far they are apart."""
_JUST_BEFORE = {"paid": "sent", "overdue": "sent", "terminated": "stopped"}
"""What a status was before, where that is not the first status of all."""


class Target(NamedTuple):
    """A field that a kind of mess can hit."""

    field: str
    change: Change
    """From a value that is not null and 64 random bits to the messy value, or the same value where it does not fit."""
    always: bool = True
    """Whether there is no value, other than null, that it does not fit."""
    of_null: bool = False
    """Whether it also makes something of null, where there is no better."""


def targets(table: Table, kind: str) -> list[Target]:
    """The fields that mess of a kind can hit; empty unless one of them fits every row."""
    found = _FINDERS[kind](table)
    sure = any(target.of_null or (target.always and not table.kinds[target.field].null) for target in found)
    return found if sure else []


def _missing(table: Table) -> list[Target]:
    return [Target(name, _lose) for name in table.columns if name != table.unique[0]]


def _lose(_value: Any, bits: int) -> Any:
    return None if bits & 1 else ABSENT


def _conflicting(table: Table) -> list[Target]:
    kinds = {name: kind for name, kind in table.kinds.items() if name not in _own_business(table)}
    found = [Target(name, change) for name, kind in kinds.items() if (change := _to_another(kind))]
    numbers = [Target(name, _of_another_row(table, name), always=False) for name in kinds if isinstance(kinds[name], Number)]
    return found + numbers


def _own_business(table: Table) -> set[str]:
    """Fields that other mess is about: what identifies, refers, or has a before."""
    return {*table.unique, *table.references, "status"}


def _to_another(kind: Kind) -> Change | None:
    match kind:
        case Words():
            return _among(list(dict.fromkeys(kind.words)))
        case WordLists():
            return _among([list(words) for words in dict.fromkeys(kind.lists)])
        case Pairs():
            return lambda value, bits: _unlike(value, kind.value, bits, len(kind.firsts) * len(kind.seconds))
        case Boolean():
            return lambda value, _bits: not value
    return None


def _among(values: list[Any]) -> Change | None:
    if len(values) < 2:
        return None
    return lambda value, bits: values[(values.index(value) + 1 + (bits * (len(values) - 1) >> 64)) % len(values)]


def _unlike(value: str, text: Callable[[int], str], bits: int, n: int) -> str:
    number = bits * n >> 64
    other = text(number)
    return other if other != value else text((number + 1) % n)


def _of_another_row(table: Table, name: str) -> Change:
    """A number that another row has, so that it is as legal there; the same where a few rows have no other."""

    def change(value: int, bits: int) -> int:
        others = (table.value((bits + k * _STRIDE) % len(table), name) for k in range(_LOOKED_AT))
        return next((other for other in others if other is not None and other != value), value)

    return change


def _stale(table: Table) -> list[Target]:
    found = []
    for name, kind in table.kinds.items():
        if isinstance(kind, Timestamp):
            found.append(Target(name, _days_ago))
        elif isinstance(kind, Words) and name == "status":
            found.append(Target(name, _before(kind.words), always=False))
    return found


def _days_ago(value: str, bits: int) -> str:
    earlier = date.fromisoformat(value[:10]) - timedelta(days=1 + (bits * 90 >> 64))
    return earlier.isoformat() + value[10:]


def _before(words: tuple[str, ...]) -> Change:
    return lambda value, _bits: _JUST_BEFORE.get(value, words[0])


def _invalid(table: Table) -> list[Target]:
    formats = ((name, _malformed(_own(kind))) for name, kind in table.kinds.items() if name not in table.references)
    return [Target(name, change) for name, change in formats if change]


def _own(kind: Kind) -> Kind:
    while isinstance(kind, Of):
        kind = kind.source.kinds[kind.column]
    return kind


def _malformed(kind: Kind) -> Change | None:
    if isinstance(kind, Text) and any(isinstance(part, str) and "@" in part for part in kind.parts):
        return _one_of(lambda v: (v.replace("@", " at "), v.replace("@", "@@"), v.partition("@")[0] + "@"))
    forms = _FORMS.get(type(kind))
    return _one_of(forms) if forms else None


_FORMS: dict[type[Kind], Callable[[Any], tuple[str, ...]]] = {
    Number: lambda v: (f"{v},00", f"~{v}", "n/a"),
    Timestamp: lambda v: (f"{v[:4]}-13-45{v[10:]}", f"{v[:10]}T25:61:00Z", "0000-00-00 00:00:00"),
    IPv4: lambda v: (f"999.{v.partition('.')[2]}", f"{v}.1", v.rpartition(".")[0]),
    Boolean: lambda v: ("yes", "Y", "on") if v else ("no", "N", "off"),
    WordLists: lambda v: (", ".join(v), "|".join(v)),
}


def _one_of(forms: Callable[[Any], tuple[str, ...]]) -> Change:
    def change(value: Any, bits: int) -> str:
        made = forms(value)
        return made[bits * len(made) >> 64]

    return change


def _orphaned(table: Table) -> list[Target]:
    return [Target(name, _id_of_nobody(table, name), of_null=True) for name in table.references]


def _id_of_nobody(table: Table, field: str) -> Change:
    kind, parent = _own(table.kinds[field]), table.references[field]
    if not isinstance(kind, Id):
        raise TypeError(f"{table.name}.{field} refers to {parent}, but holds no id")
    prefix, key = kind.prefix, draw_key(table.seed, table.tenant_key, _ID_KEYS.get(parent, parent), "id")
    return lambda _value, bits: f"{prefix}{draw(*key, _NO_ROW + (bits >> 16)):016x}"


_FINDERS: dict[str, Callable[[Table], list[Target]]] = {
    "missing": _missing,
    "conflicting": _conflicting,
    "stale": _stale,
    "invalid": _invalid,
    "orphaned": _orphaned,
}
CHANGES = tuple(_FINDERS)
"""The kinds of mess that change a value. Copies of whole rows are the other kind."""
