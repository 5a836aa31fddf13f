"""Latency: how long a reply takes more, drawn in whole microseconds that are the same on every machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol, Self

from pydantic import PlainSerializer, PlainValidator

from pytest_aosfarm.chaos.durations import in_words, microseconds
from pytest_aosfarm.chaos.fault_base import Family, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_aosfarm.chaos.draws import FaultDraws

__all__ = ("DELAY_FORMS", "Delay", "Fixed", "Latency", "Normal", "Pareto", "Percentiles", "Uniform", "delay_of")

EXACT = Context(prec=30)
"""Decimal arithmetic rounds correctly, exp and ln too, which a C library's need not: hence no float in here."""
LONGEST_US = 1 << 62
HALF = Decimal("0.5")
KNOTS = (HALF, Decimal("0.95"), Decimal("0.99"))


class Delay(Protocol):
    """How long, by chance; `str` is the form that `delay_of` reads."""

    def quantile(self, u: Decimal) -> int:
        """Microseconds, >= 0, that a share `u` (0 < u < 1) of all delays do not exceed."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same."""

    us: int

    def quantile(self, u: Decimal) -> int:  # noqa: ARG002
        """The delay itself."""
        return self.us

    def __str__(self) -> str:
        return in_words(self.us)


@dataclass(frozen=True, slots=True)
class Uniform:
    """Each whole microsecond from `low` to `high` as likely as any other."""

    low: int
    high: int

    def __post_init__(self) -> None:
        _rising(low=self.low, high=self.high)

    def quantile(self, u: Decimal) -> int:
        """As `Delay` says."""
        return self.low + int(EXACT.multiply(u, Decimal(self.high - self.low + 1)))

    def __str__(self) -> str:
        return f"{in_words(self.low)}..{in_words(self.high)}"


@dataclass(frozen=True, slots=True)
class Normal:
    """The bell curve; what would be below nothing is nothing."""

    mean: int
    sd: int

    def quantile(self, u: Decimal) -> int:
        """As `Delay` says."""
        return _whole(EXACT.fma(_z(u), Decimal(self.sd), Decimal(self.mean)))

    def __str__(self) -> str:
        return f"normal({in_words(self.mean)}, {in_words(self.sd)})"


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Lognormal through its percentiles: exactly these, and what lies between them and beyond them on one curve each.

    With p50 and p99 alone it is the lognormal distribution; a p95 bends it there.
    """

    p50: int
    p99: int
    p95: int | None = None

    def __post_init__(self) -> None:
        _rising(**{name: us for name, us in (("p50", self.p50), ("p95", self.p95), ("p99", self.p99)) if us is not None})
        if not self.p50:
            raise ValueError("p50 is 0: there is no curve through nothing; give it at least 1us")

    def quantile(self, u: Decimal) -> int:
        """As `Delay` says."""
        knots = zip(KNOTS, (self.p50, self.p95, self.p99), strict=True)
        known = [(_z(share), EXACT.ln(Decimal(us))) for share, us in knots if us]
        z = _z(u)
        (z0, y0), (z1, y1) = known[-2:] if z >= known[-2][0] else known[:2]
        slope = EXACT.divide(EXACT.subtract(y1, y0), EXACT.subtract(z1, z0))
        return _whole(EXACT.exp(EXACT.fma(EXACT.subtract(z, z0), slope, y0)))

    def __str__(self) -> str:
        known = [("p50", self.p50), ("p95", self.p95), ("p99", self.p99)]
        return ", ".join(f"{name}={in_words(us)}" for name, us in known if us is not None)


@dataclass(frozen=True, slots=True)
class Pareto:
    """Never below `minimum`, and a long tail: the longer, the smaller `alpha` (1 to 3 is usual)."""

    minimum: int
    alpha: Decimal

    def __post_init__(self) -> None:
        if not 0 < self.alpha < LONGEST_US:
            raise ValueError(f"alpha is {self.alpha}; it is a number above 0, mostly from 1 to 3")

    def quantile(self, u: Decimal) -> int:
        """As `Delay` says."""
        beyond = EXACT.divide(EXACT.ln(EXACT.subtract(Decimal(1), u)), EXACT.minus(self.alpha))
        return _whole(EXACT.multiply(Decimal(self.minimum), EXACT.exp(EXACT.min(beyond, Decimal(100)))))

    def __str__(self) -> str:
        return f"pareto({in_words(self.minimum)}, {self.alpha:f})"


DELAY_FORMS = (
    "'200ms', '100ms..2s', 'normal(200ms, 50ms)', 'p50=80ms, p99=2s', 'p50=80ms, p95=1s, p99=2s', 'pareto(100ms, 1.5)'"
)
_CALL = re.compile(r"(normal|pareto)\(([^,]+),([^,]+)\)")


def delay_of(value: object) -> Delay:
    """The delay in a text (`DELAY_FORMS`), or a number of seconds; ValueError for anything else."""
    if isinstance(value, Fixed | Uniform | Normal | Percentiles | Pareto):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Fixed(microseconds(value))
    try:
        return _read(str(value).strip())
    except ValueError as error:
        raise ValueError(f"{value!r} is no delay ({error}); write one as {DELAY_FORMS}") from None


def _read(text: str) -> Delay:
    if call := _CALL.fullmatch(text):
        first = microseconds(call[2].strip())
        return Normal(first, microseconds(call[3].strip())) if call[1] == "normal" else Pareto(first, _number(call[3]))
    if ".." in text:
        low, _, high = text.partition("..")
        return Uniform(microseconds(low), microseconds(high))
    if "=" in text:
        given = {}
        for part in text.split(","):
            name, _, duration = part.partition("=")
            if name.strip() not in {"p50", "p95", "p99"} or name.strip() in given:
                raise ValueError(f"{part.strip()!r} is not one of p50=…, p95=…, p99=…, each once")
            given[name.strip()] = microseconds(duration)
        if not {"p50", "p99"} <= set(given):
            raise ValueError("p50 and p99 are needed")
        return Percentiles(**given)
    return Fixed(microseconds(text))


def _number(text: str) -> Decimal:
    if not re.fullmatch(r"\s*\d{1,18}(\.\d{1,18})?\s*", text, re.ASCII):
        raise ValueError(f"{text.strip()!r} is no number")
    return Decimal(text.strip())


def _rising(**named: int) -> None:
    if sorted(named.values()) != list(named.values()):
        seen = ", ".join(f"{name} is {in_words(us)}" for name, us in named.items())
        raise ValueError(f"{' <= '.join(named)} does not hold: {seen}")


def _whole(us: Decimal) -> int:
    return min(max(0, int(us.to_integral_value(context=EXACT))), LONGEST_US)


@cache
def _one_over_root_two_pi() -> Decimal:
    pi = Decimal("3.14159265358979323846264338327950288419716939937511")
    return EXACT.divide(Decimal(1), EXACT.sqrt(EXACT.multiply(Decimal(2), pi)))


@lru_cache(16)
def _z(u: Decimal) -> Decimal:
    """The normal score of a share: what a share `u` of a standard normal distribution does not exceed.

    A first guess that is right to 0.0005 (Abramowitz and Stegun 26.2.23), and two steps of Newton's method, each of
    which doubles the digits: right to 14 of them, and the same ones everywhere. The distribution function is Marsaglia's
    series, whose terms are all positive.
    """
    if u == HALF:
        return Decimal(0)
    tail = EXACT.min(u, EXACT.subtract(Decimal(1), u))
    t = EXACT.sqrt(EXACT.multiply(Decimal(-2), EXACT.ln(tail)))
    above = EXACT.fma(EXACT.fma(Decimal("0.010328"), t, Decimal("0.802853")), t, Decimal("2.515517"))
    below = EXACT.fma(EXACT.fma(Decimal("0.001308"), t, Decimal("0.189269")), t, Decimal("1.432788"))
    z = EXACT.subtract(t, EXACT.divide(above, EXACT.fma(below, t, Decimal(1))))
    for _ in range(2):
        density = EXACT.multiply(_one_over_root_two_pi(), EXACT.exp(EXACT.divide(EXACT.multiply(z, z), Decimal(-2))))
        off = EXACT.subtract(EXACT.subtract(HALF, EXACT.multiply(density, _series(z))), tail)
        z = EXACT.add(z, EXACT.divide(off, density))
    return z if u > HALF else EXACT.minus(z)


def _series(z: Decimal) -> Decimal:
    """The sum z + z^3/3 + z^5/(3*5) + … to the last digit that counts."""
    total, term, odd = z, z, 1
    square = EXACT.multiply(z, z)
    while (grown := EXACT.add(total, term := EXACT.divide(EXACT.multiply(term, square), Decimal(odd := odd + 2)))) != total:
        total = grown
    return total


class Latency(Fault):
    """The call takes longer: by a delay before its reply, or, with `at`, on the way there.

    A delay that reaches the client's timeout for that part of a call ends in this timeout, as it would over a network.
    """

    family: ClassVar[Family] = "latency"
    nature: ClassVar[bool | None] = True
    impossible: ClassVar[Mapping[bool, str]] = {
        False: "a late reply is the reply to a request that arrived; a read_timeout may be about one that never did"
    }
    main: ClassVar[str] = "delay"
    forms: ClassVar[tuple[str, ...]] = ("latency:200ms", "latency:100ms..2s", "latency:p50=80ms, p99=2s")

    kind: Literal["latency"] = "latency"
    delay: Annotated[Delay, PlainValidator(delay_of), PlainSerializer(str)]
    at: Literal["read", "write", "connect", "pool"] = "read"

    def __init__(self, *main: str | float | Delay, **data: Any) -> None:
        super().__init__(*main, **data)

    def impossible_now(self) -> Mapping[bool, str]:
        """As `Fault.impossible_now` says."""
        on_the_way = f"a delay that reaches the {self.at} timeout ends before all is sent; leave `delivered` out"
        return self.impossible if self.at == "read" else {**self.impossible, True: on_the_way}

    @classmethod
    def of_nothing(cls) -> Self:
        """There is no latency without a delay."""
        raise ValueError(f"it needs a delay: {', '.join(cls.forms)}")

    @classmethod
    def fixed(cls, delay: str | float, **more: Any) -> Self:
        """Always the same delay."""
        return cls(Fixed(microseconds(delay)), **more)

    @classmethod
    def uniform(cls, low: str | float, high: str | float, **more: Any) -> Self:
        """Anything from `low` to `high`, all equally likely."""
        return cls(Uniform(microseconds(low), microseconds(high)), **more)

    @classmethod
    def normal(cls, mean: str | float, sd: str | float, **more: Any) -> Self:
        """The bell curve with this mean and standard deviation, never below 0."""
        return cls(Normal(microseconds(mean), microseconds(sd)), **more)

    @classmethod
    def lognormal(cls, p50: str | float, p99: str | float, **more: Any) -> Self:
        """The lognormal curve with this median and 99th percentile."""
        return cls(Percentiles(microseconds(p50), microseconds(p99)), **more)

    @classmethod
    def percentiles(cls, p50: str | float, p95: str | float, p99: str | float, **more: Any) -> Self:
        """A curve whose 50th, 95th and 99th percentiles are exactly these."""
        return cls(Percentiles(microseconds(p50), microseconds(p99), microseconds(p95)), **more)

    @classmethod
    def pareto(cls, minimum: str | float, alpha: str | float, **more: Any) -> Self:
        """A long tail above `minimum`; one delay in 10**alpha is ten times as long."""
        return cls(Pareto(microseconds(minimum), _number(str(alpha))), **more)

    def delay_us(self, draws: FaultDraws) -> int:
        """The delay of the call with these draws."""
        share = EXACT.divide(Decimal(2 * draws.bits("delay") + 1), Decimal(1 << 65))
        return self.delay.quantile(share)
