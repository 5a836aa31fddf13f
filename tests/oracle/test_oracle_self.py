"""The re-derivation is itself checked, on snapshots small enough to know the verdict by hand."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from .rederive import explain, rederive
from .tiny import ago, app, bill, ci, contract, device, dns, login, resource, seen, snapshot, vendor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .tiny import Planted

PINE = "silverpine.com"
LAKE = "copperlake.com"
TWO = (seen(PINE, "proxy"), seen(PINE, "edr"))
OLD = (seen(PINE, "proxy", 200), seen(PINE, "edr", 200))
HINT: dict[str, Any] = {"vendor_hint": "Northwind"}
SIBLING = (seen(LAKE, "proxy", **HINT), seen(LAKE, "edr", **HINT))

VERDICTS = {
    # activity and its boundary
    "two recent sources": ([*TWO], "shadow"),
    "boundary day is recent": ([seen(PINE, "proxy", 90), seen(PINE, "edr", 90)], "shadow"),
    "one second older is stale": ([seen(PINE, "proxy", 90, 1), seen(PINE, "edr", 90, 1)], "rejected"),
    "governed on the boundary day": ([seen(PINE, days=90), login(PINE)], "clean"),
    "governed one second older": ([seen(PINE, days=90, seconds=1), login(PINE)], "parked"),
    "last login is the only recent activity": ([*OLD, login(PINE, last_login_at=ago(2))], "clean"),
    "login without SSO is activity": ([*OLD, login(PINE, has_sso=False, last_login_at=ago(2))], "clean"),
    "login on the boundary day": ([*OLD, login(PINE, last_login_at=ago(90))], "clean"),
    "login one second older": ([*OLD, login(PINE, last_login_at=ago(90, 1))], "parked"),
    "login with another offset": ([*OLD, login(PINE, last_login_at="2025-10-03T02:00:00+02:00")], "clean"),
    "no timestamp at all": ([seen(PINE, observed_at=None), login(PINE)], "indeterminate"),
    "unknown source is no activity": ([seen(PINE, "hearsay"), login(PINE)], "indeterminate"),
    "DNS is no activity": ([*OLD, login(PINE), dns(PINE)], "parked"),
    "installed app is no activity": ([*OLD, login(PINE), device(), app("Silverpine")], "parked"),
    # sources
    "one source": ([seen(PINE)], "rejected"),
    "one source, DNS as well": ([seen(PINE, "proxy"), dns(PINE)], "rejected"),
    "the same source twice": ([seen(PINE, "proxy"), seen(PINE, "Proxy", 5)], "rejected"),
    "unknown source": ([seen(PINE, "proxy"), seen(PINE, "hearsay")], "rejected"),
    "finance-like source": ([seen(PINE, "proxy"), seen(PINE, "netsuite")], "rejected"),
    "missing source is discovery": ([seen(PINE, "proxy"), seen(PINE, source=None)], "shadow"),
    "second source is stale": ([seen(PINE, "proxy"), seen(PINE, "edr", 91)], "rejected"),
    "one source and spend": ([seen(PINE), bill("Silverpine", amount=900.0)], "rejected"),
    # IdP
    "SSO with one source": ([seen(PINE), login(PINE)], "clean"),
    "no SSO with one source": ([seen(PINE), login(PINE, has_sso=False)], "rejected"),
    "no SSO with a one-off bill": (
        [seen(PINE), login(PINE, has_sso=False), bill("Silverpine", is_recurring=False)],
        "clean",
    ),
    "no SSO with a contract": ([seen(PINE), login(PINE, has_sso=False), contract("Silverpine Ltd")], "clean"),
    "no SSO with two sources": ([*TWO, login(PINE, has_sso=False)], "clean"),
    "no SSO with two stale sources": ([*OLD, login(PINE, has_sso=False)], "parked"),
    "no SSO with the same source twice": ([seen(PINE), seen(PINE, days=4), login(PINE, has_sso=False)], "rejected"),
    "no SSO but SCIM": ([seen(PINE), login(PINE, has_sso=False, has_scim=True)], "clean"),
    "service principal": ([seen(PINE), login(PINE, has_sso=False, idp_type="service_principal")], "clean"),
    "no SSO but a CI": ([seen(PINE), login(PINE, has_sso=False), ci(PINE)], "clean"),
    "IdP of another domain": ([*TWO, login("silverpine.io")], "shadow"),
    "IdP by mail address": ([*TWO, login("mailto:owner@silverpine.com")], "shadow"),
    "IdP by URL": ([seen(PINE), login("https://sso.silverpine.com:8443/app?x=1")], "clean"),
    "IdP name with legacy": ([*TWO, login(PINE, "Silverpine (Legacy)")], "shadow"),
    "IdP name with dev": ([*TWO, login(PINE, "Silverpine Dev")], "shadow"),
    "IdP name with -qa": ([*TWO, login(PINE, "silverpine-qa")], "shadow"),
    "IdP name with production": ([*TWO, login(PINE, "Reproduction Desk")], "shadow"),
    "IdP name with devotion only": ([seen(PINE), login(PINE, "Devotion")], "clean"),
    "a drifted and a plain IdP name": ([*TWO, login(PINE, "Silverpine Legacy"), login(PINE, "Silverpine")], "clean"),
    # CMDB
    "CI": ([seen(PINE), ci(PINE)], "clean"),
    "CI by canonical_domain": ([seen(PINE), ci(None, canonical_domain=PINE)], "clean"),
    "CI by domains": ([seen(PINE), ci(None, domains=["other.org", "WWW.silverpine.com"])], "clean"),
    "CI by name only": ([*TWO, ci(None, "Silverpine")], "shadow"),
    "CI retired": ([*TWO, ci(PINE, lifecycle="retired")], "shadow"),
    "CI retired, one source": ([seen(PINE), ci(PINE, lifecycle="retired")], "rejected"),
    "CI without lifecycle": ([*TWO, ci(PINE, lifecycle=None)], "shadow"),
    "CI of a wrong type": ([*TWO, ci(PINE, ci_type="printer")], "shadow"),
    "CI without type": ([seen(PINE), ci(PINE, ci_type=None)], "clean"),
    "CI in any case": ([seen(PINE), ci(PINE, lifecycle="Staging", ci_type="DataBase")], "clean"),
    "CI drifts in name": ([seen(PINE), ci(PINE, "Silverpine Legacy -prod")], "clean"),
    "one CI of several passes": ([*TWO, ci(PINE, lifecycle="retired"), ci(PINE, "Other")], "clean"),
    # cloud
    "cloud by label": ([seen(PINE), resource("prod-silverpine-assets")], "shadow"),
    "cloud by domain": ([seen(PINE), resource("silverpine.com")], "shadow"),
    "cloud by uri": ([seen(PINE, observed_uri="https://a.b/c"), resource("bucket", uri="https://a.b/c")], "shadow"),
    "cloud with another uri": (
        [seen(PINE, observed_uri="https://a.b/c"), resource("bucket", uri="https://a.b/d")],
        "rejected",
    ),
    "cloud makes a stale key recent": ([seen(PINE, days=200), resource("silverpine")], "shadow"),
    "stale, cloud only": ([seen(PINE, days=200), resource("silverpine", 200)], "parked"),
    "stale, cloud only, spend": ([seen(PINE, days=200), resource("silverpine", 200), bill("Silverpine")], "parked"),
    "cloud without timestamp": ([seen(PINE, observed_at=None), resource("silverpine", None)], "indeterminate"),
    # recurring spend
    "recurring": ([*OLD, login(PINE), bill("Silverpine")], "zombie"),
    "recurring, recent": ([*TWO, login(PINE), bill("Silverpine")], "clean"),
    "recurring (Legacy)": ([*OLD, login(PINE), bill("Silverpine (Legacy)")], "zombie"),
    "recurring -prod": ([*OLD, login(PINE), bill("silverpine-prod")], "zombie"),
    "recurring Inc.": ([*OLD, login(PINE), bill("SILVERPINE, Inc.")], "zombie"),
    "recurring The .. Co": ([*OLD, ci(PINE), bill("The Silverpine Co")], "zombie"),
    "recurring by memo": ([*OLD, ci(PINE), bill("Card 12", memo="monthly silverpine seats")], "zombie"),
    "recurring by product": ([*OLD, ci(PINE), bill("Card 12", product="Silverpine")], "zombie"),
    "recurring, two words": ([*OLD, login(PINE), bill("Silver Pine")], "parked"),
    "recurring, longer word": ([*OLD, login(PINE), bill("Silverpineapp")], "parked"),
    "label in a longer label": (
        [seen("getsilverpine.com", days=200), login("getsilverpine.com"), bill("Silverpine")],
        {"getsilverpine.com": "parked"},
    ),
    "hyphenated label": (
        [seen("silver-pine.com", days=200), login("silver-pine.com"), bill("Silver Pine")],
        {"silver-pine.com": "parked"},
    ),
    "one-off": ([*OLD, login(PINE), bill("Silverpine", is_recurring=False)], "parked"),
    "contract flag is lost": ([*OLD, login(PINE), contract("Silverpine", is_recurring=True)], "parked"),
    "vendor rows are no spend": ([*OLD, login(PINE), vendor("Silverpine")], "parked"),
    "vendor_id only": ([*OLD, login(PINE), vendor("Silverpine"), bill(None, vendor_id="vendors-0")], "parked"),
    "vendor hint, one record": ([seen(PINE, days=200, **HINT), login(PINE), bill("Northwind")], "parked"),
    "vendor hint, two records": (
        [seen(PINE, days=200, **HINT), login(PINE), bill("NORTHWIND"), contract("Northwind")],
        "zombie",
    ),
    # vendor siblings
    "sibling of an SSO seed": ([seen(PINE, **HINT), login(PINE), *SIBLING], {PINE: "clean", LAKE: "clean"}),
    "sibling of a CI seed": ([seen(PINE, **HINT), ci(PINE), *SIBLING], {PINE: "clean", LAKE: "clean"}),
    "sibling with another hint": ([seen(PINE, vendor_hint="Else"), login(PINE), *SIBLING], {PINE: "clean", LAKE: "shadow"}),
    "sibling hint folds": (
        [seen(PINE, vendor_hint=" north  WIND "), login(PINE), seen(LAKE, vendor_hint="North Wind")],
        {PINE: "clean", LAKE: "clean"},
    ),
    "sibling with its own failing CI": (
        [seen(PINE, **HINT), ci(PINE), *SIBLING, ci(LAKE, "B", lifecycle="retired")],
        {PINE: "clean", LAKE: "shadow"},
    ),
    "sibling with a failing CI, seed in IdP": (
        [seen(PINE, **HINT), login(PINE), *SIBLING, ci(LAKE, "B", lifecycle="retired")],
        {PINE: "clean", LAKE: "clean"},
    ),
    "sibling of a seed without SSO, one source": (
        [*(seen(PINE, source, **HINT) for source in ("proxy", "edr")), login(PINE, has_sso=False), seen(LAKE, **HINT)],
        {PINE: "clean", LAKE: "rejected"},
    ),
    "stale sibling": ([seen(PINE, **HINT), login(PINE), seen(LAKE, days=200, **HINT)], {PINE: "clean", LAKE: "parked"}),
    "stale sibling, recurring vendor": (
        [seen(PINE, **HINT), login(PINE), seen(LAKE, days=200, **HINT), bill("Northwind"), bill("Northwind")],
        {PINE: "clean", LAKE: "zombie"},
    ),
    "the hint of the lowest id decides": (
        [
            seen(PINE, **HINT),
            login(PINE),
            seen(LAKE, "proxy", observation_id="b", **HINT),
            seen(LAKE, "edr", observation_id="a", vendor_hint="Else"),
        ],
        {PINE: "clean", LAKE: "shadow"},
    ),
    # keys
    "two TLDs are two keys": (
        [*TWO, seen("silverpine.io", "proxy"), seen("silverpine.io", "edr"), login(PINE)],
        {PINE: "clean", "silverpine.io": "shadow"},
    ),
    "multi-part suffix": (
        [seen("app.silverpine.co.uk", "proxy"), seen("silverpine.co.uk", "edr")],
        {"silverpine.co.uk": "shadow"},
    ),
    "case, www, port, dot": ([seen("WWW.SilverPine.COM."), seen("eu.silverpine.com:8443", "edr")], "shadow"),
    "hostname": ([seen(None, hostname="db1.silverpine.com"), login(PINE)], "clean"),
    "domain before hostname": ([seen(PINE, hostname="x.elsewhere.com"), login(PINE)], "clean"),
    "observed_uri": ([seen(None, observed_uri="https://u:p@app.silverpine.com:81/x"), login(PINE)], "clean"),
    "observed_name as domain": ([seen(None, observed_name="Silverpine.com"), login(PINE)], "clean"),
    "observed_name as prose": ([seen(None, observed_name="Silverpine.com app"), login(PINE)], {}),
    "no public domain": ([seen("silverpine.local"), seen(None, hostname="10.0.0.7"), login(PINE)], {}),
    "suffix alone": ([seen("co.uk")], {}),
    "known to other planes only": (
        [login(PINE), ci(PINE), bill("Silverpine"), resource("silverpine"), dns(PINE), device(), app("Silverpine")],
        {},
    ),
    "excluded build infrastructure": (
        [seen("python.org"), seen("docs.python.org", "edr"), login("python.org"), ci("python.org")],
        {"python.org": "rejected"},
    ),
    "excluded by custom list": ([seen("platform.io"), login("platform.io")], {"platform.io": "rejected"}),
    "an excluded label with another TLD": ([seen("python.com"), login("python.com")], {"python.com": "clean"}),
}


@pytest.mark.parametrize(("planted", "expected"), VERDICTS.values(), ids=VERDICTS)
def test_the_verdict_follows_the_rules(planted: list[Planted], expected: str | dict[str, str]) -> None:
    document = snapshot(*planted)
    assert rederive(document) == ({PINE: expected} if isinstance(expected, str) else expected), explain(document, PINE)


def test_recency_is_judged_against_the_making_of_the_snapshot() -> None:
    made_later = snapshot(*TWO, login(PINE), created_at="2026-05-01T00:00:00Z")
    assert rederive(made_later) == {PINE: "parked"}


def test_a_snapshot_that_was_never_made_is_refused() -> None:
    with pytest.raises(ValueError, match="created_at is 'yesterday'"):
        rederive(snapshot(*TWO, created_at="yesterday"))


def test_an_explanation_names_the_rules_that_decided() -> None:
    document = snapshot(*OLD, login(PINE, "Pine"), bill("Silverpine"), seen("python.org"), *SIBLING)
    told = "\n".join(explain(document, PINE))
    for part in ("zombie", "edr", "stale", "Pine", "transactions-0", "2025-06-15"):
        assert part in told
    assert "dev_build_infrastructure" in "\n".join(explain(document, "python.org"))
    assert "governed: no" in "\n".join(explain(document, LAKE))
    assert "absent" in explain(document, "nowhere.com")[0]


def test_rederiving_is_linear() -> None:
    def planted(count: int) -> Iterator[Planted]:
        for at in range(count):
            label = "".join(chr(97 + at // 26**place % 26) for place in range(6))
            yield from (seen(f"{label}.com", source, vendor_hint=label) for source in ("proxy", "edr"))
            yield from (login(f"{label}.com", label), bill(label), resource(f"{label}-store"))

    def cost(count: int) -> float:
        document = snapshot(*planted(count))
        started = time.process_time()
        rederive(document)
        return time.process_time() - started

    cost(100)
    assert cost(8000) < 8 * 4 * max(cost(1000), 0.01)
