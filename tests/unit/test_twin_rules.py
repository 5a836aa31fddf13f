"""The rules of discovery, one hand-written snapshot each, with the verdict that the published rules demand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_examples import examples
from twin_evidence import ago, ci, cloud, idp, seen, snapshot, spend, verdicts

if TYPE_CHECKING:
    import random

    from twin_evidence import Json

KEY = "silverpine.com"
TWO = ("dns", "proxy")


def _with(*args: Any, **planes: Any) -> dict[str, Any]:
    return snapshot(*args, **planes)


def _stale(**planes: Any) -> dict[str, Any]:
    return snapshot(seen(KEY, *TWO, days=200), **planes)


CASES = {
    # the table of verdicts
    "ungoverned, recent": (_with(seen(KEY, *TWO)), "shadow"),
    "ungoverned, recent, with spend": (_with(seen(KEY, *TWO), transactions=[spend("Silverpine")]), "shadow"),
    "ungoverned, stale": (_stale(), "rejected"),
    "ungoverned, stale, in the cloud": (_stale(resources=[cloud("silverpine-db")]), "parked"),
    "ungoverned, stale, in the cloud, spend": (
        _stale(resources=[cloud("silverpine-db")], transactions=[spend("Silverpine")]),
        "parked",
    ),
    "ungoverned, no timestamp": (_with(seen(KEY, *TWO, days=None)), "rejected"),
    "ungoverned, no timestamp, in the cloud": (
        _with(seen(KEY, "dns", days=None), resources=[cloud("silverpine-db")]),
        "indeterminate",
    ),
    "governed, recent": (_with(seen(KEY, "dns"), objects=[idp(KEY)]), "clean"),
    "governed, stale, recurring": (_stale(objects=[idp(KEY)], transactions=[spend("Silverpine")]), "zombie"),
    "governed, stale": (_stale(objects=[idp(KEY)]), "parked"),
    "governed, stale, one-off": (
        _stale(objects=[idp(KEY)], transactions=[spend("Silverpine", is_recurring=False)]),
        "parked",
    ),
    "governed, no timestamp": (_with(seen(KEY, "dns", days=None), cis=[ci(KEY)]), "indeterminate"),
    # keys
    "sub-domain, port, case, trailing dot": (
        _with(seen("App.SilverPine.COM.", "dns") + seen("https://u@www.silverpine.com:8443/x?y#z", "proxy")),
        "shadow",
    ),
    "hostname when there is no domain": (_with(seen(None, *TWO, hostname="api.silverpine.com")), "shadow"),
    "uri when there is no hostname": (_with(seen(None, *TWO, observed_uri="https://silverpine.com/a")), "shadow"),
    "a name that looks like a domain": (_with(seen(None, *TWO, observed_name="silverpine.com")), "shadow"),
    "a name that does not": (_with(seen(None, *TWO, observed_name="Silverpine.com portal")), None),
    "domain without a public suffix": (_with(seen("silverpine.local", *TWO)), None),
    "an address in numbers": (_with(seen("10.0.0.7", *TWO)), None),
    "identity does not lend a domain": (
        _with(seen(None, *TWO, observed_name="Silverpine"), objects=[idp(KEY, "Silverpine")]),
        None,
    ),
    "known to identity, CMDB, finance and cloud only": (
        _with(
            objects=[idp(KEY)], cis=[ci(KEY)], resources=[cloud("silverpine")], transactions=[spend("Silverpine")]
        ),
        None,
    ),
    "an artifact": (_with(seen(KEY, *TWO, observed_name="Silverpine dashboard")), None),
    "a name that only contains an artifact word": (
        _with(seen(KEY, *TWO, observed_name="Silverpine Viewpoint")),
        "shadow",
    ),
    # sources and activity
    "one source": (_with(seen(KEY, "dns")), "rejected"),
    "the same source twice": (_with(seen(KEY, "dns", "DNS")), "rejected"),
    "an unknown source beside a known one": (_with(seen(KEY, "dns", "carrier_pigeon")), "rejected"),
    "finance and CMDB names are no sources": (_with(seen(KEY, "dns", "netsuite", "servicenow")), "rejected"),
    "a missing source is discovery": (
        _with(
            [
                *seen(KEY, "dns"),
                {"observed_name": "n", "domain": KEY, "observed_at": ago(5)},
            ]
        ),
        "shadow",
    ),
    "an old second source does not admit": (_with(seen(KEY, "dns") + seen(KEY, "proxy", days=91)), "rejected"),
    "exactly 90 days is recent": (_with(seen(KEY, *TWO, days=90)), "shadow"),
    "a second more is stale": (
        _with(seen(KEY, "dns", days=None, observed_at=ago(90, seconds=1)), objects=[idp(KEY)]),
        "parked",
    ),
    "exactly 90 days is recent when governed": (_with(seen(KEY, "dns", days=90), objects=[idp(KEY)]), "clean"),
    "an unknown source is no sign of use": (
        _with(seen(KEY, "carrier_pigeon") + seen(KEY, "dns", days=200), objects=[idp(KEY)]),
        "parked",
    ),
    "a log-in is a sign of use": (_stale(objects=[idp(KEY, last_login_at=ago(3))]), "clean"),
    "a log-in through a relic is, too": (
        _with(
            seen(KEY, *TWO, days=200),
            objects=[idp(KEY, "Old (Legacy)", last_login_at=ago(3))],
            cis=[ci(KEY)],
        ),
        "clean",
    ),
    "a cloud resource's timestamp is a sign of use": (_stale(resources=[cloud("silverpine", days=3)]), "shadow"),
    "a payment is not": (
        _stale(cis=[ci(KEY)], transactions=[spend("Silverpine", date=ago(1), is_recurring=False)]),
        "parked",
    ),
    "an offset is honoured": (
        _with(seen(KEY, "dns", days=None, observed_at="2020-03-03T13:00:00+01:00"), objects=[idp(KEY)]),
        "clean",
    ),
    # identity
    "a relic does not govern": (_with(seen(KEY, *TWO), objects=[idp(KEY, "Silverpine DEPRECATED")]), "shadow"),
    "a stage does not govern": (_with(seen(KEY, *TWO), objects=[idp(KEY, "Silverpine -Dev")]), "shadow"),
    "identity by URL": (_with(seen(KEY, "dns"), objects=[idp("https://login.silverpine.com/sso")]), "clean"),
    "identity by mail does not govern": (_with(seen(KEY, *TWO), objects=[idp(f"mailto:it@{KEY}")]), "shadow"),
    "identity in the provider's own tenant": (_with(seen(KEY, *TWO), objects=[idp("acme.okta.com")]), "shadow"),
    "identity without SSO, one source": (_with(seen(KEY, "dns"), objects=[idp(KEY, has_sso=False)]), "rejected"),
    "identity without SSO, two sources of any age": (_stale(objects=[idp(KEY, has_sso=False)]), "parked"),
    "identity without SSO, with a trace of money": (
        _with(
            seen(KEY, "dns"),
            objects=[idp(KEY, has_sso=False)],
            contracts=[{"vendor_name": "Silverpine", "amount": 5}],
        ),
        "clean",
    ),
    "identity without SSO, with SCIM": (
        _with(seen(KEY, "dns"), objects=[idp(KEY, has_sso=False, has_scim=True)]),
        "clean",
    ),
    "identity of a service principal": (
        _with(seen(KEY, "dns"), objects=[idp(KEY, has_sso=False, idp_type="service_principal")]),
        "clean",
    ),
    "identity without SSO beside a CI": (
        _with(seen(KEY, "dns"), objects=[idp(KEY, has_sso=False)], cis=[ci(KEY)]),
        "clean",
    ),
    # CMDB
    "CI in any case": (_with(seen(KEY, "dns"), cis=[ci(KEY, "PROD", ci_type="Application")]), "clean"),
    "CI of a legacy name still governs": (_with(seen(KEY, "dns"), cis=[ci(KEY, name="Old (Legacy)")]), "clean"),
    "retired CI": (_with(seen(KEY, *TWO), cis=[ci(KEY, "retired")]), "shadow"),
    "CI without a lifecycle": (_with(seen(KEY, *TWO), cis=[ci(KEY, None)]), "shadow"),
    "CI of a wrong type": (_with(seen(KEY, *TWO), cis=[ci(KEY, ci_type="laptop")]), "shadow"),
    "one CI of several": (_with(seen(KEY, "dns"), cis=[ci(KEY, "retired"), ci(KEY), ci(KEY, "dev")]), "clean"),
    "CI by canonical domain": (_with(seen(KEY, "dns"), cis=[ci(None, canonical_domain=KEY)]), "clean"),
    "CI by one of its domains": (_with(seen(KEY, "dns"), cis=[ci(None, domains=["x.org", KEY])]), "clean"),
    "CI by name only": (_with(seen(KEY, *TWO), cis=[ci(None, name="Silverpine")]), "shadow"),
    # cloud
    "cloud by URI": (
        _with(
            seen(KEY, "dns", observed_uri="https://silverpine.com/a"),
            resources=[cloud("vm-7", "https://silverpine.com/a")],
        ),
        "shadow",
    ),
    "cloud by another URI": (
        _with(
            seen(KEY, "dns", observed_uri="https://silverpine.com/a"),
            resources=[cloud("vm-7", "https://silverpine.com/b")],
        ),
        "rejected",
    ),
    "cloud by domain in the name": (_with(seen(KEY, "dns"), resources=[cloud("cdn.silverpine.com-1")]), "shadow"),
    "cloud by label inside a word": (_with(seen(KEY, "dns"), resources=[cloud("prodSilverpineDb")]), "shadow"),
    "cloud of somebody else": (_with(seen(KEY, "dns"), resources=[cloud("silverpin-db")]), "rejected"),
    # spend
    "spend alone does not admit": (_with(seen(KEY, "dns"), transactions=[spend("Silverpine", amount=9e3)]), "rejected"),
    "a contract is no recurring spend": (
        _stale(cis=[ci(KEY)], contracts=[{"vendor_name": "Silverpine", "is_recurring": True}]),
        "parked",
    ),
    "a vendor row is no spend": (
        _stale(cis=[ci(KEY)], vendors=[{"vendor_name": "Silverpine", "products": ["Silverpine"]}]),
        "parked",
    ),
    "spend by vendor id only": (_stale(cis=[ci(KEY)], transactions=[spend(vendor_id="silverpine")]), "parked"),
    "spend by product": (_stale(cis=[ci(KEY)], transactions=[spend(product="Silverpine Pro")]), "zombie"),
    "spend by memo": (_stale(cis=[ci(KEY)], transactions=[spend("Card", memo="renewal: silverpine")]), "zombie"),
    "old spend, refunds and words count": (
        _stale(cis=[ci(KEY)], transactions=[spend("Silverpine", amount=-1, date=ago(400), is_recurring="true")]),
        "zombie",
    ),
    "two words are not the label": (_stale(cis=[ci(KEY)], transactions=[spend("Silver Pine")]), "parked"),
    "a longer word is not the label": (_stale(cis=[ci(KEY)], transactions=[spend("Silverpineapp")]), "parked"),
}


@pytest.mark.parametrize(("document", "expected"), CASES.values(), ids=CASES)
def test_verdict(document: Json, expected: object) -> None:
    assert verdicts(document).get(KEY) == expected


@pytest.mark.parametrize(
    "vendor_name", ["Silverpine", "SILVERPINE, Inc.", "The Silverpine Co", "silverpine-prod", "Silverpine (Legacy)"]
)
def test_the_label_is_recognised_in_a_vendor_name(vendor_name: str) -> None:
    document = _stale(cis=[ci(KEY)], transactions=[spend(vendor_name)])

    assert verdicts(document) == {KEY: "zombie"}


def test_a_hyphenated_label_is_recognised_whole() -> None:
    document = snapshot(
        seen("silver-pine.com", *TWO, days=200),
        cis=[ci("silver-pine.com")],
        transactions=[spend("Silver-Pine GmbH")],
    )
    spaced = snapshot(
        seen("silver-pine.com", *TWO, days=200), cis=[ci("silver-pine.com")], transactions=[spend("Silver Pine")]
    )

    assert verdicts(document) == {"silver-pine.com": "zombie"}
    assert verdicts(spaced) == {"silver-pine.com": "parked"}


def test_the_vendor_hint_resolves_spend_when_the_books_know_the_vendor_twice() -> None:
    observed = seen(KEY, *TWO, days=200, vendor_hint="Nordic Group")
    twice = [spend("Nordic  group"), spend("NORDIC GROUP", is_recurring=False)]

    assert verdicts(snapshot(observed, cis=[ci(KEY)], transactions=twice)) == {KEY: "zombie"}
    assert verdicts(snapshot(observed, cis=[ci(KEY)], transactions=twice[:1])) == {KEY: "parked"}


@pytest.mark.parametrize("domain", ["python.org", "platform.io", "windows.net", "google.com", "files.com"])
def test_an_excluded_domain_is_rejected_whatever_its_evidence(domain: str) -> None:
    document = snapshot(
        seen(f"app.{domain}", "dns", "proxy", "edr"),
        objects=[idp(domain)],
        cis=[ci(domain)],
        resources=[cloud(domain)],
    )

    assert verdicts(document) == {domain: "rejected"}


def test_multi_part_suffixes_make_keys() -> None:
    document = snapshot(seen("app.silverpine.co.uk", *TWO) + seen("silverpine.com.au", *TWO))

    assert verdicts(document) == {"silverpine.co.uk": "shadow", "silverpine.com.au": "shadow"}


def test_the_same_label_elsewhere_is_another_key() -> None:
    document = snapshot(
        seen(KEY, *TWO) + seen("silverpine.app", *TWO) + seen("silverpina.com", *TWO),
        objects=[idp(KEY)],
        cis=[ci("getsilverpine.com"), ci("silverpinex.com")],
    )

    assert verdicts(document) == {KEY: "clean", "silverpine.app": "shadow", "silverpina.com": "shadow"}


VENDOR: dict[str, Any] = {"vendor_hint": "Nordic Group"}
FAMILY = {
    "through identity": ({"objects": [idp(KEY)]}, "clean"),
    "through a CI": ({"cis": [ci(KEY)]}, "clean"),
    "not through a retired CI": ({"cis": [ci(KEY, "retired")]}, "shadow"),
    "not through a relic": ({"objects": [idp(KEY, "Nordic legacy")]}, "shadow"),
    "not if the plane knows it itself": ({"cis": [ci(KEY), ci("nordlicht.com", "retired")]}, "shadow"),
    "not if identity knows it as a relic": ({"objects": [idp(KEY), idp("nordlicht.com", "x-dev")]}, "shadow"),
    "by the other plane if one knows it": (
        {"objects": [idp(KEY)], "cis": [ci("nordlicht.com", "retired")]},
        "clean",
    ),
}


@pytest.mark.parametrize(("planes", "expected"), FAMILY.values(), ids=FAMILY)
def test_a_vendor_sibling_is_governed(planes: Json, expected: object) -> None:
    document = snapshot(
        seen(KEY, *TWO, **VENDOR) + seen("nordlicht.com", *TWO, vendor_hint=" nordic  GROUP "), **planes
    )

    assert verdicts(document)["nordlicht.com"] == expected


def test_siblings_of_one_source_are_admitted_by_sso_only() -> None:
    def family(**fields: Any) -> Json:
        return snapshot(
            seen(KEY, "dns", **VENDOR) + seen("nordlicht.com", "dns", **VENDOR), objects=[idp(KEY, **fields)]
        )

    assert verdicts(family()) == {KEY: "clean", "nordlicht.com": "clean"}
    assert verdicts(family(has_sso=False)) == {KEY: "rejected", "nordlicht.com": "rejected"}


def test_the_vendor_of_a_key_is_the_hint_of_its_lowest_observation() -> None:
    mixed = [
        {**seen("nordlicht.com", "proxy", vendor_hint="Other")[0], "observation_id": "obs-2"},
        {**seen("nordlicht.com", "dns", vendor_hint="Nordic Group")[0], "observation_id": "obs-1"},
        {**seen("nordlicht.com", "edr")[0], "observation_id": "obs-0"},
    ]

    found = verdicts(snapshot(mixed + seen(KEY, *TWO, **VENDOR), objects=[idp(KEY)]))

    assert found["nordlicht.com"] == "clean"


def test_dns_proxy_and_installs_are_neither_sources_nor_activity() -> None:
    document = _stale(cis=[ci(KEY)])
    planes = document["planes"]
    planes["network"]["dns"] = [{"dns_id": "d", "queried_domain": KEY, "timestamp": ago(1)}]
    planes["network"]["proxy"] = [{"proxy_id": "p", "domain": "other.com", "timestamp": ago(1)}]
    planes["endpoint"]["installed_apps"] = [
        {"install_id": "i", "app_name": "Silverpine", "device_id": "x", "last_seen_at": ago(1)}
    ]

    assert verdicts(document) == {KEY: "parked"}


EVERY_RULE = snapshot(
    seen(KEY, *TWO, days=200)
    + seen("nordlicht.com", "dns", "edr", **VENDOR)
    + seen("fjordline.com", "dns", **VENDOR)
    + seen("harborly.com", "dns", "dns", "proxy")
    + seen("meadowly.com", "casb", days=90)
    + seen("python.org", *TWO)
    + seen("intranet.local", "dns"),
    objects=[idp("fjordline.com", last_login_at=ago(100))],
    cis=[ci(KEY), ci(KEY, "retired")],
    resources=[cloud("meadowly-queue", days=120), cloud("meadowly-bucket")],
    transactions=[spend("Silverpine"), spend("Harborly Ltd", is_recurring=False)],
)


@given(st.randoms(use_true_random=False))
@settings(max_examples=examples(40), deadline=None)
def test_the_order_of_records_changes_nothing(rng: random.Random) -> None:
    expected = verdicts(EVERY_RULE)
    shuffled = {"meta": EVERY_RULE["meta"], "planes": {}}
    for plane, containers in EVERY_RULE["planes"].items():
        shuffled["planes"][plane] = {
            name: rng.sample(records, len(records)) for name, records in containers.items()
        }

    assert verdicts(shuffled) == expected
    assert set(expected.values()) == {"zombie", "clean", "shadow", "rejected"}


@given(st.integers(-4000, 4000))
@settings(max_examples=examples(20), deadline=None)
def test_age_is_measured_from_the_snapshot(days: int) -> None:
    def moved(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: moved(item) for name, item in value.items()}
        if isinstance(value, list):
            return [moved(item) for item in value]
        if isinstance(value, str) and value.startswith("20") and "T" in value:
            return (datetime.fromisoformat(value) + timedelta(days=days)).isoformat()
        return value

    assert verdicts(moved(EVERY_RULE)) == verdicts(EVERY_RULE)
