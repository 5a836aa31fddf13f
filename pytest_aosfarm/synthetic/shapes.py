"""What can be planted: each shape is a pattern of evidence and the verdict that the rules of discovery give it.

The verdict stands beside the evidence because whoever plants a shape knows the answer; nothing infers it afterwards.
Shares are relative weights within the known or the unknown half of the estate, per profile (clean, typical, messy).
Every shape is planted at least once at every scale.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ("EXCLUDED_DOMAINS", "KNOWN_SHAPES", "PROFILES", "UNKNOWN_SHAPES", "Shape")

PROFILES = ("clean", "typical", "messy")

EXCLUDED_DOMAINS = (
    "docker.com",
    "elastic.co",
    "golang.org",
    "grafana.com",
    "hashicorp.com",
    "jenkins.io",
    "kubernetes.io",
    "nodejs.org",
    "platform.io",
    "prometheus.io",
    "python.org",
    "terraform.io",
)
"""Domains that the default policy of AOD rejects whatever the evidence (developer infrastructure, custom exclusions)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A pattern of evidence about one key.

    Ages are "recent" (within 90 days of the snapshot), "edge" (90 days to the second: still recent), "past edge" (one
    second more), "stale" (long ago) and "undated".
    """

    name: str
    verdict: str
    why: str
    shares: tuple[int, int, int]
    seen: tuple[str, ...] = ()
    """Ages of observations, each from another source that discovery knows."""
    same_source: bool = False
    """All of `seen` come from one source."""
    unknown_seen: tuple[str, ...] = ()
    """Ages of observations from sources that discovery does not know; they count for nothing."""
    idp: str = ""
    """The login object: "sso", "scim", "principal", "plain" (neither SSO nor SCIM), "legacy" (a retired name) or none."""
    login: str = ""
    """Age of the last log-in through the login object."""
    cis: tuple[str, ...] = ()
    """Configuration items: "live", "retired", "wrong type", "no lifecycle"."""
    cloud: str = ""
    """Age of a matching cloud resource."""
    spend: str = ""
    """Payments: "recurring", "one-off", "contract", "any" (drawn: it decides nothing here) or none."""
    kin: str = ""
    """How the key relates to another: "lookalike", "other suffix", "sibling", "excluded", or a "… seed" of those."""


KNOWN_SHAPES = (
    # governed and used: clean
    Shape(name="sso-and-cmdb", verdict="clean", why="governed by IdP and CMDB, used recently", shares=(30, 14, 6),
          seen=("recent", "recent"), idp="sso", login="recent", cis=("live",), spend="any"),
    Shape(name="sso-only", verdict="clean", why="governed by IdP, used recently", shares=(10, 6, 3),
          seen=("recent",), idp="sso", login="recent", spend="any"),
    Shape(name="scim-only", verdict="clean", why="SCIM governs like SSO", shares=(3, 2, 1),
          seen=("recent",), idp="scim", spend="any"),
    Shape(name="service-principal", verdict="clean", why="a service principal counts as SSO", shares=(2, 1, 1),
          seen=("recent",), idp="principal", login="recent"),
    Shape(name="cmdb-only", verdict="clean", why="governed by CMDB, used recently", shares=(10, 6, 4),
          seen=("recent",), cis=("live",), spend="any"),
    Shape(name="idp-without-sso", verdict="clean", why="IdP without SSO governs with two known sources",
          shares=(1, 2, 3), seen=("recent", "stale"), idp="plain", login="recent"),
    Shape(name="idp-without-sso-paid", verdict="clean", why="IdP without SSO governs with a finance match",
          shares=(1, 2, 2), seen=("recent",), idp="plain", login="recent", spend="one-off"),
    Shape(name="login-is-the-only-activity", verdict="clean", why="the last log-in is recent activity",
          shares=(1, 2, 2), seen=("stale", "stale"), idp="sso", login="recent", spend="any"),
    Shape(name="cloud-is-the-only-activity", verdict="clean", why="the cloud resource is recent activity",
          shares=(1, 1, 2), seen=("stale",), cis=("live",), cloud="recent"),
    Shape(name="edge-of-recent", verdict="clean", why="exactly 90 days is recent", shares=(1, 2, 3),
          seen=("edge", "stale"), cis=("live",), spend="recurring"),
    Shape(name="several-cis", verdict="clean", why="one live CI governs beside a retired one", shares=(1, 2, 3),
          seen=("recent", "recent"), cis=("retired", "live"), spend="any"),
    Shape(name="legacy-login-beside-cmdb", verdict="clean", why="the CMDB governs although the IdP name does not",
          shares=(1, 1, 2), seen=("recent", "recent"), idp="legacy", cis=("live",), spend="any"),
    Shape(name="lookalike-seed", verdict="clean", why="governed by IdP; its look-alike is another company",
          shares=(0, 0, 0), seen=("recent", "recent"), idp="sso", login="recent", kin="lookalike seed"),
    Shape(name="other-suffix-seed", verdict="clean", why="governed by CMDB; the same label elsewhere is another company",
          shares=(0, 0, 0), seen=("recent", "recent"), cis=("live",), kin="other suffix seed"),
    Shape(name="vendor-seed", verdict="clean", why="governed by IdP; governs its vendor's other domains",
          shares=(0, 0, 0), seen=("recent", "recent"), idp="sso", login="recent", kin="sibling seed"),
    # governed, unused, still paid: zombie
    Shape(name="sso-unused-paid", verdict="zombie", why="governed by IdP, stale, recurring spend", shares=(2, 4, 6),
          seen=("stale", "stale"), idp="sso", login="stale", spend="recurring"),
    Shape(name="cmdb-unused-paid", verdict="zombie", why="governed by CMDB, stale, recurring spend", shares=(2, 4, 6),
          seen=("stale",), cis=("live",), spend="recurring"),
    Shape(name="past-the-edge", verdict="zombie", why="one second more than 90 days is stale", shares=(1, 2, 3),
          seen=("past edge", "stale"), cis=("live",), spend="recurring"),
    Shape(name="legacy-login-unused-paid", verdict="zombie", why="the CMDB governs; stale, recurring spend",
          shares=(0, 1, 2), seen=("stale", "stale"), idp="legacy", cis=("live",), spend="recurring"),
    Shape(name="idp-without-sso-unused-paid", verdict="zombie", why="IdP without SSO governs with two sources of any age",
          shares=(0, 1, 2), seen=("stale", "stale"), idp="plain", login="stale", spend="recurring"),
    # governed, unused, not paid again: parked
    Shape(name="sso-unused", verdict="parked", why="governed by IdP, stale, no spend", shares=(2, 3, 4),
          seen=("stale", "stale"), idp="sso", login="stale"),
    Shape(name="unused-bought-once", verdict="parked", why="a one-off payment does not recur", shares=(1, 2, 3),
          seen=("stale",), cis=("live",), spend="one-off"),
    Shape(name="unused-under-contract", verdict="parked", why="a contract alone is no recurring spend",
          shares=(1, 2, 3), seen=("stale", "stale"), cis=("live",), spend="contract"),
    Shape(name="only-unknown-sources-recent", verdict="parked", why="unknown sources are no activity",
          shares=(1, 2, 3), seen=("stale",), unknown_seen=("recent",), cis=("live",)),
    Shape(name="legacy-login-unused", verdict="parked", why="the CMDB governs; stale, no spend", shares=(0, 1, 2),
          seen=("stale", "stale"), idp="legacy", cis=("live",)),
    Shape(name="idp-without-sso-unused", verdict="parked", why="IdP without SSO governs with two sources of any age",
          shares=(0, 1, 2), seen=("stale", "stale"), idp="plain", login="stale"),
    # governed, no time known: indeterminate
    Shape(name="undated", verdict="indeterminate", why="governed by CMDB, no timestamp at all", shares=(1, 2, 3),
          seen=("undated", "undated"), cis=("live",), spend="any"),
    Shape(name="only-unknown-sources", verdict="indeterminate", why="governed by IdP, no known source gives a time",
          shares=(1, 2, 2), unknown_seen=("recent", "recent"), idp="sso", spend="any"),
    # governance fails: shadow, or rejected
    Shape(name="retired-ci", verdict="shadow", why="a CI in a retired lifecycle governs nothing", shares=(1, 2, 5),
          seen=("recent", "recent"), cis=("retired",), spend="any"),
    Shape(name="wrong-type-ci", verdict="shadow", why="a CI of a wrong type governs nothing", shares=(1, 2, 4),
          seen=("recent", "recent"), cis=("wrong type",), spend="any"),
    Shape(name="ci-without-lifecycle", verdict="shadow", why="a CI without lifecycle governs nothing",
          shares=(1, 1, 3), seen=("recent", "recent"), cis=("no lifecycle",)),
    Shape(name="legacy-login", verdict="shadow", why="an IdP object with a retired name governs nothing",
          shares=(1, 2, 4), seen=("recent", "recent"), idp="legacy", login="recent"),
    Shape(name="retired-ci-one-source", verdict="rejected", why="ungoverned and one source only", shares=(1, 1, 3),
          seen=("recent",), cis=("retired",), spend="any"),
    Shape(name="idp-without-sso-one-source", verdict="rejected",
          why="IdP without SSO needs two known sources or a finance match", shares=(1, 2, 3),
          seen=("recent",), idp="plain", login="recent"),
)

UNKNOWN_SHAPES = (
    # used recently, nobody governs it: shadow
    Shape(name="two-sources", verdict="shadow", why="ungoverned, two known sources, recent", shares=(6, 12, 18),
          seen=("recent", "recent")),
    Shape(name="two-sources-paid", verdict="shadow", why="ungoverned, recent; spend changes nothing",
          shares=(3, 6, 9), seen=("recent", "recent"), spend="recurring"),
    Shape(name="cloud-and-one-source", verdict="shadow", why="the cloud resource admits it, recent", shares=(1, 2, 3),
          seen=("recent",), cloud="stale", spend="any"),
    Shape(name="cloud-recent", verdict="shadow", why="the cloud resource admits it and is recent", shares=(1, 2, 3),
          seen=("stale",), cloud="recent"),
    Shape(name="cloud-edge", verdict="shadow", why="admitted by cloud; exactly 90 days is recent", shares=(1, 1, 2),
          seen=("edge",), cloud="stale"),
    Shape(name="lookalike", verdict="shadow", why="looks like a governed company, is another one", shares=(1, 3, 4),
          seen=("recent", "recent"), kin="lookalike"),
    Shape(name="other-suffix", verdict="shadow", why="same label, other suffix: another company", shares=(1, 3, 4),
          seen=("recent", "recent"), kin="other suffix"),
    # governed through another domain of the vendor
    Shape(name="sibling", verdict="clean", why="governed through its vendor, recent", shares=(3, 4, 3),
          seen=("recent", "recent"), kin="sibling"),
    Shape(name="sibling-unused-paid", verdict="zombie", why="governed through its vendor, stale, recurring spend",
          shares=(1, 2, 2), seen=("stale", "stale"), spend="recurring", kin="sibling"),
    Shape(name="sibling-unused", verdict="parked", why="governed through its vendor, stale, no spend",
          shares=(1, 2, 2), seen=("stale", "stale"), kin="sibling"),
    Shape(name="sibling-undated", verdict="indeterminate", why="governed through its vendor, no timestamp",
          shares=(1, 1, 1), seen=("undated", "undated"), kin="sibling"),
    # admitted by a cloud resource only
    Shape(name="cloud-stale", verdict="parked", why="ungoverned, admitted by cloud, stale", shares=(2, 3, 3),
          seen=("stale",), cloud="stale", spend="any"),
    Shape(name="cloud-undated", verdict="indeterminate", why="ungoverned, admitted by cloud, no timestamp",
          shares=(1, 2, 2), seen=("undated",), cloud="undated"),
    # nothing admits it: rejected
    Shape(name="one-source", verdict="rejected", why="ungoverned and one source only", shares=(10, 8, 10),
          seen=("recent",)),
    Shape(name="same-source-twice", verdict="rejected", why="one source twice is one source", shares=(3, 3, 4),
          seen=("recent", "recent"), same_source=True),
    Shape(name="unknown-sources", verdict="rejected", why="unknown sources count for nothing", shares=(2, 3, 4),
          seen=("recent",), unknown_seen=("recent", "recent")),
    Shape(name="one-source-paid", verdict="rejected", why="spend alone never admits", shares=(2, 3, 4),
          seen=("recent",), spend="recurring"),
    Shape(name="one-recent-one-stale", verdict="rejected", why="only one of two sources is recent", shares=(2, 3, 4),
          seen=("recent", "stale"), spend="any"),
    Shape(name="both-stale", verdict="rejected", why="no source is recent", shares=(2, 3, 4),
          seen=("stale", "stale"), spend="any"),
    Shape(name="excluded", verdict="rejected", why="the policy excludes the domain whatever the evidence",
          shares=(2, 2, 2), seen=("recent", "recent"), idp="sso", login="recent", cis=("live",), kin="excluded"),
    Shape(name="lookalike-one-source", verdict="rejected", why="looks like a governed company; one source only",
          shares=(1, 2, 2), seen=("recent",), kin="lookalike"),
    Shape(name="other-suffix-one-source", verdict="rejected", why="same label, other suffix; one source only",
          shares=(1, 2, 2), seen=("recent",), kin="other suffix"),
)
