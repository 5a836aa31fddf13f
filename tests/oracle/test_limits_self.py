"""Each check of the planting limits goes red on a snapshot just outside its limit, and on no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .limits import banned, references, violations
from .rederive import rederive
from .tiny import ago, app, bill, ci, contract, device, dns, login, resource, seen, snapshot, vendor

if TYPE_CHECKING:
    from .tiny import Planted

PINE = "silverpine.com"
LAKE = "copperlake.com"
FIELD = "amberfield.io"
HINT: dict[str, Any] = {"vendor_hint": "Northwind"}
SIBLING = (seen(LAKE, "proxy", **HINT), seen(LAKE, "edr", **HINT))
WITHIN = (
    *(seen(PINE, source, observed_name="Silverpine", **HINT) for source in ("proxy", "edr")),
    login(PINE, "Silverpine", last_login_at=ago(3)),
    ci(PINE, "Silverpine App"),
    *SIBLING,
    seen("amberfield.io"),
    resource("amberfield-store"),
    bill("Silverpine, Inc."),
    contract("Silverpine, Inc.", start_date="2025-01-01"),
    seen("python.org"),
    seen(None, hostname="printer.local"),
    dns(PINE),
    device(),
    app("Silverpine"),
    ci("amberfield-api-1.svc.acme.org", "amberfield-api-1"),
)
OUTSIDE = {
    "short label": ([seen("pine.com")], "1: label 'pine'"),
    "hyphen in label": ([seen("silver-oak.com")], "1: label 'silver-oak'"),
    "digit in label": ([seen("silver4oak.com")], "1: label 'silver4oak'"),
    "label in label": ([seen("getsilverpine.com")], "1: label 'silverpine' lies inside"),
    "label in another's IdP name": ([login(FIELD, "Silverpine Tools")], "1: IdP"),
    "two labels in an IdP name": ([login(None, "Silverpine Copperlake")], "1: IdP"),
    "label in another's CI name": ([ci(FIELD, "xsilverpinex")], "1: CI"),
    "two labels in a cloud name": ([resource("silverpine-copperlake")], "1: cloud"),
    "label in a cloud name of another's uri": (
        [seen(FIELD, observed_uri="https://a.amberfield.io"), resource("silverpine-x", uri="https://a.amberfield.io")],
        "1: cloud",
    ),
    "label in another's vendor hint": ([seen(FIELD, vendor_hint="Silverpine Group")], "1: vendor hint"),
    "label in a longer vendor word": ([bill("Silverpineapp")], "1: label ['silverpine'] inside a longer word"),
    "memo of another key": ([bill("Copperlake", memo="not silverpine")], "2: the labels of several keys"),
    "recurring by memo only": ([bill("Card 12", memo="silverpine")], "2: transactions-1 is recurring spend"),
    "vendor row beside a transaction": ([vendor("SILVERPINE, inc.")], "2: transactions-0 is of"),
    "two governed TLD twins": ([seen("silverpine.io"), login("silverpine.io", "Pine IO")], "3: other-TLD twins"),
    "an indeterminate TLD twin": (
        [seen("silverpine.io", observed_at=None, observed_uri="https://x.io"), resource("box", None, uri="https://x.io")],
        "3: silverpine.io is indeterminate",
    ),
    "a stale TLD twin": ([seen("silverpine.io", days=200)], "3: silverpine.io is stale"),
    "IdP names twice": ([login(FIELD, "silverpine")], "3: 2 IdP objects"),
    "sibling with an own CI": ([ci(LAKE, "Lake", lifecycle="retired")], "4: copperlake.com of vendor"),
    "sibling with an own IdP object": ([login(LAKE, "Lake Legacy")], "4: copperlake.com of vendor"),
    "sibling with a look-alike of no key": ([ci("app.acme.org", "copperlake-api-1")], "4: copperlake.com of vendor"),
    "sibling with a look-alike": ([ci(None, "Copperlake")], "4: copperlake.com of vendor"),
    "sibling with a cloud resource": ([resource("copperlake")], "4: vendor sibling copperlake.com matches a cloud"),
    "sibling with the label of the seed": (
        [seen("silverpine.io", "proxy", **HINT), seen("silverpine.io", "edr", **HINT)],
        "4: vendor sibling silverpine.io has the label",
    ),
    "sibling with one source": ([seen("greenhollow.com", **HINT)], "4: vendor sibling greenhollow.com has fewer"),
    "sibling with two hints": ([seen(LAKE, "dns", vendor_hint="Else")], "4: the observations of vendor sibling"),
    "seed without SSO": (
        [
            *(
                seen(f"{label}.com", source, vendor_hint="Else")
                for label in ("greenhollow", "stonebrook")
                for source in ("proxy", "edr")
            ),
            login("greenhollow.com", "Hollow", has_sso=False),
        ],
        "4: vendor seed greenhollow.com has neither",
    ),
    "seed CI with a vendor": (
        [
            *(
                seen(f"{label}.com", source, vendor_hint="Else")
                for label in ("greenhollow", "stonebrook")
                for source in ("proxy", "edr")
            ),
            ci("greenhollow.com", "Hollow", vendor="Else"),
        ],
        "4: vendor seed greenhollow.com has a CI with a vendor",
    ),
    "vendor on an IdP object": ([login(FIELD, "Field", vendor="Field")], "4: IdP object"),
    "CIs share a name": ([ci(PINE, "SILVERPINE app")], "5: CIs of silverpine.com share"),
    "several CIs, one source": ([ci(FIELD, "Field"), ci(FIELD, "Field Two")], "5: amberfield.io has several"),
    "several CIs, two in prod": (
        [ci(PINE, "Pine Two", environment="prod"), ci(PINE, "Pine Three", environment="prod")],
        "5: CIs of silverpine.com have environments",
    ),
    "artifact word": ([seen(FIELD, observed_name="Sales Report")], "6: observed_name"),
    "naive observation": ([seen(FIELD, observed_at="2025-12-01T00:00:00")], "7: discovery.observations"),
    "naive login": ([login(FIELD, "Field", last_login_at="2025-12-01")], "7: idp.objects"),
    "naive transaction": ([bill("Amberfield", date="2025-12-01 10:00")], "7: finance.transactions"),
    "source is no text": ([seen(FIELD, source=7)], "7: observations-7 has the source"),
    "id twice": ([seen(FIELD, observation_id="observations-0")], "7: 2 discovery.observations"),
    "id missing": ([seen(FIELD, observation_id=None)], "7: discovery.observations has a record without"),
    "real vendor": ([seen("atlassian.com")], "7: atlassian.com"),
    "no amount": ([bill("Silverpine", amount=0)], "quirk: the amount 0"),
    "refund": ([bill("Silverpine", amount=-5)], "quirk: the amount -5"),
    "amount as text": ([contract("Silverpine", amount="5")], "quirk: the amount '5'"),
    "is_recurring as text": ([bill("Silverpine", is_recurring="true")], "quirk: transactions-1 has is_recurring"),
    "old recurring spend": ([bill("Silverpine", date="2024-11-01")], "quirk: transactions-1 is recurring and"),
    "vendor like a domain": ([bill("silverpine.com")], "quirk: a name like a domain"),
    "mailto": ([login("mailto:a@amberfield.io", "Field")], "quirk: idp.objects"),
    "tenant of the IdP": ([login("amberfield.okta.com", "Field")], "quirk: idp.objects"),
    "fabric candidate": ([ci(FIELD, "Field", ci_id="CI-FABRIC-1")], "quirk: CI CI-FABRIC-1"),
    "excluded by another list": ([seen("cloudfront.net")], "key: cloudfront.net is excluded by shared"),
    "key from elsewhere": ([seen("field.local", observed_uri=f"https://{FIELD}")], "key: observations-7 names"),
    "elided source": ([seen(FIELD, "crowdstrike")], "source: the rules do not say"),
    "DNS disagrees": ([seen("greenhollow.com", days=200), dns("greenhollow.com")], "agreement: network.dns"),
    "an installed app disagrees": ([seen("greenhollow.com", days=200), app("Greenhollow")], "agreement: the app"),
    "governed without SSO, in the cloud": ([login(FIELD, "Field", has_sso=False)], "undecided: amberfield.io"),
    "recent by a drifted login": (
        [seen("greenhollow.com", days=200), login("greenhollow.com", "Hollow Legacy", last_login_at=ago(2))],
        "undecided: greenhollow.com is recent",
    ),
}


def test_a_snapshot_within_the_limits_has_no_violation() -> None:
    document = snapshot(*WITHIN)
    assert violations(document, rederive(document).keys()) == []
    assert references(document) == []
    assert banned(document) == []


@pytest.mark.parametrize(("planted", "line"), OUTSIDE.values(), ids=OUTSIDE)
def test_each_limit_goes_red_outside_it(planted: list[Planted], line: str) -> None:
    document = snapshot(*WITHIN, *planted)
    assert line in "\n".join(violations(document, rederive(document).keys()))


def test_truth_is_planted_for_exactly_the_discovered_keys() -> None:
    lines = violations(snapshot(*WITHIN), {PINE, LAKE, "python.org", "nowhere.com"})
    assert lines == [
        "truth: nowhere.com has truth, no observation discovers it",
        "truth: amberfield.io is discovered, it has no truth",
    ]


def test_a_bare_creation_date_is_outside_the_limits() -> None:
    document = snapshot(*WITHIN, created_at="2026-01-01")
    assert any("7: meta.created_at" in line for line in violations(document, rederive(document).keys()))


@pytest.mark.parametrize(
    "planted",
    [app("Silverpine", device_id="gone"), contract("Silverpine", vendor_id="gone"), bill("Silverpine", vendor_id="gone")],
    ids=["device", "contract", "transaction"],
)
def test_a_dangling_reference_is_found(planted: Planted) -> None:
    assert len(references(snapshot(*WITHIN, planted))) == 1


@pytest.mark.parametrize(
    "planted",
    [
        seen(PINE, groundTruth="x"),
        seen(PINE, raw={"deep": [{"IN_CMDB": True}]}),
        seen(PINE, observed_name="ShadowApp"),
        bill("Silverpine", memo="the expected zombie"),
        ci(PINE, "junk"),
        seen(PINE, observation_id="obs-STRESS-1"),
        seen(PINE, raw=["near_collision"]),
        seen(PINE, raw="ground truth"),
    ],
)
def test_whatever_gives_the_truth_away_is_found(planted: Planted) -> None:
    assert len(banned(snapshot(*WITHIN, planted))) == 1


def test_background_is_no_hint() -> None:
    assert banned(snapshot(*WITHIN, seen(PINE, observed_name="Background"))) == []
