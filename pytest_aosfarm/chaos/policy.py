"""What a policy of chaos says: rules, each with the calls it is for, its faults, and when they come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import count
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pytest_aosfarm.chaos.fault_base import Duration  # noqa: TC001 - pydantic looks at it
from pytest_aosfarm.chaos.faults import AnyFault, Fault, fault_of

__all__ = ("Budget", "Match", "Policy", "Rule", "When", "explained", "rule_of")

DRAWS = 1 << 64
"""A draw is below this."""


def _several(value: object) -> object:
    """One text where several are allowed."""
    return (value,) if isinstance(value, str) else value


def _faults(value: object) -> object:
    given = [value] if isinstance(value, str | Fault | Mapping) else value
    if not isinstance(given, list | tuple) or not all(isinstance(one, str | Fault | Mapping) for one in given):
        raise ValueError(f'{value!r} is no fault; give texts such as "503", or objects such as Status(503)')
    return tuple(fault_of(one) if isinstance(one, str) else one for one in given)


Texts = Annotated[tuple[str, ...], BeforeValidator(_several)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Match(_Part):
    """Which calls: every field that is given must fit. Texts are globs, of several one is enough; `*` takes slashes, too.

    `module`: a name of the catalog, or of `chaos.wrap(client, module=…)`. `tenant`: a tenant's key. `path`: without the
    query. `body`: a text that it must hold, or a function of the bytes.
    """

    module: Texts = ()
    tenant: Texts = ()
    method: Texts = ()
    path: Texts = ()
    headers: Mapping[str, str] = Field(default_factory=dict)
    query: Mapping[str, str] = Field(default_factory=dict)
    body: str | Callable[[bytes], bool] | None = None

    def fits_place(self, module: str, tenant: str, method: str, path: str) -> bool:
        """Whether calls to this place may be meant; what else they must have is for `fits`."""
        named = ((self.module, module), (self.tenant, tenant), (self.method, method), (self.path, path))
        return all(not globs or any(fnmatchcase(text, glob) for glob in globs) for globs, text in named)

    @property
    def looks_inside(self) -> bool:
        """Whether the place alone does not say it."""
        return bool(self.headers or self.query or self.body is not None)

    def fits(self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> bool:
        """Whether headers, query and body are as wanted."""
        for wanted, found in ((self.headers, headers), (self.query, query)):
            if not all(fnmatchcase(found.get(name, "\0"), glob) for name, glob in wanted.items()):
                return False
        if self.body is None:
            return True
        return self.body.encode() in body if isinstance(self.body, str) else bool(self.body(body))


class Burst(_Part):
    """Faults for `on` calls, none for `off` calls, and so on, from the first call of a key."""

    on: Count
    off: Count


class Flapping(_Part):
    """Faults for a time, none for a time, and so on, from the start of the test."""

    down: Duration
    up: Duration

    @model_validator(mode="after")
    def _takes_time(self) -> Flapping:
        if not self.down + self.up:
            raise ValueError("`down` and `up` cannot both be 0")
        return self


class Window(_Part):
    """Faults only from `start` until before `end`, counted from the start of the test."""

    start: Duration = 0
    end: Duration

    @model_validator(mode="after")
    def _is_open(self) -> Window:
        if self.start >= self.end:
            raise ValueError("a window's `end` comes after its `start`")
        return self


class Ramp(_Part):
    """A rate that goes evenly from `start` to `end`, over so many calls of a key or so much time."""

    start: Share = 0.0
    end: Share = 1.0
    calls: Count | None = None
    over: Duration | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Ramp:
        if (self.calls is None) == (self.over is None):
            raise ValueError("a ramp goes over `calls` or `over` a time, one of both")
        return self

    def rate(self, ordinal: int, now_us: int) -> float:
        """The rate at a call."""
        done, whole = (ordinal - 1, (self.calls or 1) - 1) if self.over is None else (now_us, self.over)
        return self.end if done >= whole else self.start + (self.end - self.start) * done / whole


class When(_Part):
    """When a rule that fits a call fires: every field that is given must agree.

    Ordinals count, from 1, the calls of one key (module, method, path, query and body, lane): retries, mostly. So they do
    not depend on what else goes on. Times are of the test's clock, from its start. `rate` is drawn for each call.
    """

    rate: Share = 1.0
    ordinals: tuple[Count, ...] = ()
    first: Count | None = None
    every: Count | None = None
    burst: Burst | None = None
    flapping: Flapping | None = None
    window: Window | None = None
    ramp: Ramp | None = None

    def threshold(self, ordinal: int, now_us: int) -> int:
        """The rule fires for draws below this number: 0 for never, 2**64 for always."""
        if (
            (self.ordinals and ordinal not in self.ordinals)
            or (self.first is not None and ordinal > self.first)
            or (self.every is not None and ordinal % self.every)
            or (self.burst is not None and (ordinal - 1) % (self.burst.on + self.burst.off) >= self.burst.on)
            or (self.window is not None and not self.window.start <= now_us < self.window.end)
            or (self.flapping is not None and now_us % (self.flapping.down + self.flapping.up) >= self.flapping.down)
        ):
            return 0
        rate = self.rate if self.ramp is None else self.rate * self.ramp.rate(ordinal, now_us)
        return int(rate * DRAWS)

    @property
    def is_constant(self) -> bool:
        """Whether every call has the same threshold."""
        return self == When(rate=self.rate)

    @property
    def never(self) -> bool:
        """Whether no call can ever be hit."""
        return self.rate == 0

    @property
    def by_chance(self) -> bool:
        """Whether a draw has a say."""
        return self.rate < 1 or self.ramp is not None


class Budget(_Part):
    """How many faults a rule may inject in one test: `times` in all, `concurrent` into calls that are under way at once."""

    times: Count | None = None
    concurrent: Count | None = None


class Rule(_Part):
    """Faults for some calls. `id` keys the draws: a rule that is added, or moved, leaves the others' draws alone.

    Of several `faults` one is drawn. `must_fire`: the test fails if the rule has injected nothing; the default is yes for
    a rule that no chance decides. A rule by chance must at least have met a call. None of a run's own policy must.
    """

    id: str = ""
    match: Match = Match()
    faults: Annotated[tuple[AnyFault, ...], BeforeValidator(_faults), Field(min_length=1)]
    when: When = When()
    budget: Budget = Budget()
    must_fire: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        if isinstance(given, dict) and "fault" in given:
            given = {**given, "faults": given["fault"]}
            del given["fault"]
        return given

    @property
    def name(self) -> str:
        """The `id`, or one made of the faults and the calls they are for; whatever else changes leaves it as it is."""
        if self.id:
            return self.id
        match = self.match
        words = ["|".join(fault.label for fault in self.faults)]
        words += ["|".join(texts) for texts in (match.module, match.tenant, match.method, match.path) if texts]
        words += [f"{name}={glob}" for wanted in (match.headers, match.query) for name, glob in sorted(wanted.items())]
        if match.body is not None:
            words.append(match.body if isinstance(match.body, str) else match.body.__qualname__)
        return " ".join(words)


class Policy(_Part):
    """Rules in order: the first that fires decides a call. `name` is what a run shows of it."""

    name: str = "policy"
    rules: tuple[Rule, ...] = ()

    @property
    def named_rules(self) -> tuple[tuple[str, Rule], ...]:
        """The rules, each with a name that no other one has: the second of a name is its "#2"."""
        return name_apart(self.rules)

    def for_module(self, *modules: str) -> Policy:
        """The same rules, for these modules only, where they do not name modules themselves."""
        rules = tuple(
            rule.model_copy(update={"match": rule.match.model_copy(update={"module": rule.match.module or modules})})
            for rule in self.rules
        )
        return self.model_copy(update={"rules": rules})


def name_apart(rules: Iterable[Rule], taken: Iterable[str] = ()) -> tuple[tuple[str, Rule], ...]:
    """Each rule with its name; "#2" and so on behind one that another rule has, or that is `taken`."""
    names = set(taken)
    named = []
    for rule in rules:
        name = next(name for name in _numbered(rule.name) if name not in names)
        names.add(name)
        named.append((name, rule))
    return tuple(named)


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name} #{number}" for number in count(2))


_MATCH, _WHEN, _BUDGET = (set(kind.model_fields) for kind in (Match, When, Budget))


def rule_of(
    modules: tuple[str, ...],
    faults: object,
    *,
    route: str | None = None,
    match: Mapping[str, Any] | None = None,
    **options: Any,
) -> Rule:
    """A rule from the short forms of `chaos.on(…)` and the marker.

    `route` is "POST /charge" or "/charge"; `options` are fields of Rule, Match, When and Budget. Raises ValueError, of
    which pydantic's ValidationError is one, or TypeError for an option that there is not.
    """
    where: dict[str, Any] = {"module": modules, **(match or {})}
    if route is not None:
        method, _, path = route.rpartition(" ")
        where |= {"path": path} | ({"method": method.strip()} if method else {})
    parts: dict[str, dict[str, Any]] = {"match": where, "when": {}, "budget": {}}
    rule: dict[str, Any] = {"faults": faults}
    for name, value in options.items():
        for part, names in (("match", _MATCH), ("when", _WHEN), ("budget", _BUDGET)):
            if name in names:
                parts[part][name] = value
                break
        else:
            if name not in {"id", "must_fire"}:
                known = sorted({*_MATCH, *_WHEN, *_BUDGET, "id", "must_fire"})
                raise TypeError(f"{name!r} is no part of a rule; known: {', '.join(known)}")
            rule[name] = value
    return Rule.model_validate({**rule, **parts})


def explained(problem: Exception) -> str:
    """What is wrong with a policy or a rule, in one line; of several things the first, and where it is."""
    if not isinstance(problem, ValidationError):
        return str(problem)
    first = problem.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"])) or "policy"
    more = problem.error_count() - 1
    return f"{where}: {first['msg'].removeprefix('Value error, ')}" + (f" (and {more} more)" if more else "")
