"""AOD's default policy as data: known sources, excluded domains, gates, windows and limits."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping



def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


WINDOW_DAYS: Final = 90
NOISE_FLOOR: Final = 2
"""Distinct known sources, each seen inside the window, that admit a key which nothing else vouches for."""
PROVISIONING_DAYS: Final = 30
RUNS_KEPT: Final = 20
OBSERVATIONS_KEPT: Final = 2000
FEED_REJECTIONS: Final = 1000
PAGE_SIZE: Final = 100

_PLANE_OF_SOURCE: Final = {
    "network": "dns proxy web_filter firewall netflow packet_capture casb swg dlp siem zscaler zscaler_proxy zscaler_zia"
    " zscaler_gre paloalto paloalto_panorama netskope netskope_casb symantec_proxy bluecoat fortigate cisco_umbrella"
    " cato cloudflare_gateway menlo iboss browser network_scan network",
    "endpoint": "edr mdm av agent endpoint endpoint_protection crowdstrike sentinelone carbonblack defender jamf intune"
    " workspace_one kandji",
    "idp": "sso oauth saml directory ldap okta azure_ad entra_id onelogin ping jumpcloud idp",
    "cloud": "cloud_trail cloudtrail aws_config azure_monitor gcp_audit aws azure gcp cloud_api cloud",
    "discovery": "saas_audit_log discovery simulation generator",
}
KNOWN_SOURCES: Final = _words(" ".join(_PLANE_OF_SOURCE.values())) | {
    f"{origin}_{plane}"
    for origin in ("farm", "simulated", "test", "synthetic")
    for plane in ("dns", "proxy", "network", "endpoint", "idp", "cloud")
} | {"farm_sso", "simulated_sso"}
"""Sources that corroborate: network, endpoint, identity, cloud and discovery tools. Finance and CMDB names are not."""

EXCLUSIONS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        name: _words(domains)
        for name, domains in {
            "dev_build_infrastructure": "redis.io redis.com postgresql.org mysql.com docker.com kubernetes.io nginx.org"
            " apache.org golang.org python.org nodejs.org npmjs.com jenkins.io terraform.io hashicorp.com grafana.com"
            " prometheus.io elastic.co mongodb.org",
            "custom_exclusions": "platform.io hub.io data.io cdn.com edge.com global.com api.co app.co pro.co quick.net"
            " max.io smart.io sys.net force.com fast.io plus.net cloud.net tech.net services.io world.net",
            "shared_infrastructure": "cloudfront.net gstatic.com awsstatic.com akamai.net akamaized.net googleapis.com"
            " googleusercontent.com amazonaws.com windows.net",
            "vendor_root_portals": "microsoft.com office.com office365.com microsoftonline.com azure.com apple.com"
            " icloud.com google.com",
            "generic_collision_roots": "cdn.com edge.com global.com assets.com static.com api.com app.com data.com"
            " img.com media.com content.com files.com images.com",
        }.items()
    }
)
INFRASTRUCTURE_LISTS: Final = frozenset({"dev_build_infrastructure", "shared_infrastructure"})

IDENTITY_PROVIDERS: Final = _words(
    "okta.com oktapreview.com auth0.com onelogin.com pingidentity.com pingone.com duo.com duosecurity.com"
    " jumpcloud.com"
)
"""An identity object that points into the provider's own tenant says nothing about an application."""

UNGOVERNING_WORDS: Final = (
    *("legacy", "deprecated", "production", "-prod", " prod", "-dev", " dev"),
    *("-staging", " staging", "-test", " test", "-qa"),
)
"""Any of these, anywhere in an identity object's name, and the object does not govern."""

CI_TYPES: Final = _words("app application service database infra infrastructure server system")
LIFECYCLES: Final = _words("prod production staging stage live active")
ARTIFACT_WORDS: Final = _words("dashboard report calculator worksheet spreadsheet view file")

BANNED_KEYS: Final = frozenset(
    key.lower()
    for key in (
        *("is_shadow_it", "shadowScenario", "shadowReasons", "shadow_scenario", "shadow_reasons"),
        *("inCMDB", "in_cmdb", "rulesTriggered", "rules_triggered", "conflictTypes", "conflict_types"),
        *("sourcePresence", "source_presence", "parked_reason", "ground_truth", "groundTruth"),
    )
)
"""Keys that would carry the answer; at any depth, in any case, they refuse the whole snapshot."""


def as_document() -> dict[str, object]:
    """The policy as GET /api/runs/{id}/policy shows it."""
    return {
        "exclusions": {name: sorted(domains) for name, domains in EXCLUSIONS.items()},
        "admission_gates": {
            "noise_floor": NOISE_FLOOR,
            "valid_ci_types": sorted(CI_TYPES),
            "valid_lifecycles": sorted(LIFECYCLES),
        },
        "activity_windows": {"default_activity_window_days": WINDOW_DAYS},
        "query_limits": {
            "default_rejection_limit": FEED_REJECTIONS,
            "max_observation_samples": OBSERVATIONS_KEPT,
        },
    }
