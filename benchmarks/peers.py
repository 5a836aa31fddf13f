"""`python -m benchmarks.peers`: how fast other generators make the rows of `benchmarks.schemas`, as Python objects.

Each makes the same logical row with the fields it has. What one cannot do is left out in its favour: none of them sorts
the times of flows or makes e-mail addresses that no other row has.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from benchmarks.dbgen import dbgen
from benchmarks.timing import Make, rates

__all__ = ("PEERS", "peers")

Tables: TypeAlias = Mapping[str, Make]

SEED = 1
COUNTRIES = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "SE", "PL", "IE", "CA", "AU", "JP", "IN", "BR", "MX", "SG", "CH")
PLANS = ("free", "basic", "pro", "enterprise")
STATES = ("active", "paused", "churned")
PROTOCOLS = ("tcp", "udp", "https", "http")
OUTCOMES = ("success", "timeout", "refused")
FROM, UNTIL = datetime(2021, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = int((UNTIL - FROM).total_seconds())


def faker_as_written() -> Tables:
    """Faker as its documentation shows it."""
    from faker import Faker

    fake = Faker()
    fake.seed_instance(SEED)

    def customer(i: int) -> tuple[Any, ...]:
        return (
            i,
            fake.name(),
            fake.email(),
            fake.country_code(),
            fake.random_element(PLANS),
            fake.random_element(STATES),
            fake.pydecimal(left_digits=4, right_digits=2, positive=True),
            fake.date_time_this_decade(),
        )

    def flow(_: int) -> tuple[Any, ...]:
        return (
            fake.date_time_this_decade(),
            fake.ipv4(),
            fake.ipv4(),
            fake.port_number(),
            fake.port_number(),
            fake.random_element(PROTOCOLS),
            fake.random_int(64, 1_000_000),
            fake.random_element(OUTCOMES),
        )

    return _by_row(customer, flow)


def faker_tuned() -> Tables:
    """Faker without weights for names, e-mail and IP addresses; the rest from the standard library and ready lists."""
    from faker import Faker

    fake = Faker(use_weighting=False)
    fake.seed_instance(SEED)
    draw = random.Random(SEED)  # noqa: S311  # nothing secret

    def customer(i: int) -> tuple[Any, ...]:
        return (
            i,
            fake.name(),
            fake.email(),
            draw.choice(COUNTRIES),
            draw.choice(PLANS),
            draw.choice(STATES),
            draw.randrange(99_900),
            FROM + timedelta(seconds=draw.randrange(SECONDS)),
        )

    def flow(_: int) -> tuple[Any, ...]:
        return (
            FROM + timedelta(seconds=draw.randrange(SECONDS)),
            fake.ipv4(),
            fake.ipv4(),
            draw.randrange(32_768, 49_152),
            draw.randrange(1024),
            draw.choice(PROTOCOLS),
            int(draw.paretovariate(1.2) * 64),
            draw.choice(OUTCOMES),
        )

    return _by_row(customer, flow)


def mimesis() -> Tables:
    """Mimesis by its providers, which is several times as fast as its schemas."""
    from mimesis import Address, Choice, Datetime, Finance, Internet, Person
    from mimesis.enums import PortRange
    from mimesis.locales import Locale

    person, address, finance = Person(Locale.EN, seed=SEED), Address(Locale.EN, seed=SEED), Finance(seed=SEED)
    time, internet, choice = Datetime(seed=SEED), Internet(seed=SEED), Choice(seed=SEED)
    draw = random.Random(SEED)  # noqa: S311  # nothing secret

    def customer(i: int) -> tuple[Any, ...]:
        return (
            i,
            person.full_name(),
            person.email(),
            address.country_code(),
            choice(PLANS),
            choice(STATES),
            finance.price(0, 999),
            time.datetime(2021, 2025),
        )

    def flow(_: int) -> tuple[Any, ...]:
        return (
            time.datetime(2021, 2025),
            internet.ip_v4(),
            internet.ip_v4(),
            internet.port(PortRange.EPHEMERAL),
            internet.port(PortRange.WELL_KNOWN),
            choice(PROTOCOLS),
            draw.randrange(64, 1_000_000),
            choice(OUTCOMES),
        )

    return _by_row(customer, flow)


def seedfaker() -> Tables:
    """Seedfaker, in Rust, by the batch: its rows are dicts of text, which nobody turns into numbers and moments here."""
    from seedfaker import SeedFaker

    fake = SeedFaker(seed=str(SEED), locale="en", since=FROM.year, until=UNTIL.year)
    plan, status = "plan=enum:free=4,basic=3,pro=2,enterprise=1", "status=enum:active=80,paused=5,churned=15"
    protocol, outcome = "protocol=enum:tcp=30,udp=15,https=40,http=15", "status=enum:success=96,timeout=3,refused=1"
    customer = ["id=integer", "name", "email", "country-code", plan, status, "mrr=integer:0..99900", "timestamp"]
    ends = ["src_ip=ip", "dst_ip=ip", "src_port=port:dynamic", "dst_port=port:service"]
    flow = ["timestamp", *ends, protocol, "bytes=integer:64..1000000:zipf", outcome]
    return {"customers": lambda n: fake.records(customer, n=n), "flows": lambda n: fake.records(flow, n=n)}


PEERS: Mapping[str, Callable[[], Tables]] = {
    "Faker, as written": faker_as_written,
    "Faker, tuned": faker_tuned,
    "Mimesis": mimesis,
    "seedfaker": seedfaker,
}


def peers(table: str) -> dict[str, Make]:
    """Every peer's maker of "customers" or "flows"."""
    return {name: tables()[table] for name, tables in PEERS.items()}


def _by_row(customer: Callable[[int], Any], flow: Callable[[int], Any]) -> Tables:
    return {"customers": lambda n: [customer(i) for i in range(n)], "flows": lambda n: [flow(i) for i in range(n)]}


def main() -> None:
    """Print rows per CPU-second."""
    customers, flows = rates(peers("customers")), rates(peers("flows"))
    print(f"{'rows per CPU-second':20} {'customers':>10} {'flows':>10}")
    for name in PEERS:
        print(f"{name:20} {customers[name]:10,.0f} {flows[name]:10,.0f}")
    tpch = rates({"DuckDB dbgen": dbgen}, rounds=3)["DuckDB dbgen"]
    print(f"{'DuckDB dbgen':20} {tpch:10,.0f} rows of all TPC-H tables")


if __name__ == "__main__":
    main()
