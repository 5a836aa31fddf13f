"""Every defect of the AOD twin changes exactly the answers that it says it changes; the healthy twin is the measure."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.twins.aod.app import create_app
from pytest_aosfarm.twins.aod.defects import DEFECTS, anatomy
from pytest_aosfarm.twins.serve import defects
from tests.unit.twin_evidence import ago, ci, cloud, idp, seen, snapshot, spend, verdicts

if TYPE_CHECKING:
    from fastapi import FastAPI

OTHER_TENANT = "22222222-2222-4222-8222-222222222222"

SAMPLE = snapshot(
    [
        *seen("alderway.com", "dns", "proxy", days=10),
        *seen("birchton.com", "dns", days=10),
        *seen("cedarama.com", "dns", "proxy", days=200),
        *seen("drumlins.com", "dns", days=200),
        *seen("elmgrove.com", "dns", "proxy", days=None),
        *seen("app.firtrees.com", "dns", "edr", days=90),
        *seen("gardenia.com", "dns", days=None, observed_at=ago(90, seconds=1)),
        *seen("hawthorn.com", "dns", "carrier_pigeon", days=10),
        *seen("ironwood.com", "dns", days=10, vendor_hint="Ironworks"),
        *seen("junipero.com", "dns", "edr", days=10, vendor_hint="Ironworks"),
        *seen("katsuras.com", "dns", days=10),
        *seen("laurelle.com", "dns", days=200),
        *seen("mahogany.com", "dns", "proxy", days=10),
        *seen("nutmeggy.com", "dns", "dns", days=10),
        *seen("nutmeggy.com", "edr", days=150),
        *seen("oleander.com", "dns", "proxy", days=10),
        *seen("oleander.app", "dns", "proxy", days=10),
        *seen("pinecone.com", "dns", "proxy", days=10),
        *seen("pinecona.com", "dns", "proxy", days=10),
        *seen("quincess.com", "dns", days=200),
        *seen("redwoods.com", "dns", "proxy", days=10),
        *seen("python.org", "dns", "proxy", days=10),
        *seen("sequoias.com", "dns", days=200),
        *seen("tamarack.com", "dns", days=10),
        *seen("viburnum.com", "dns", "proxy", days=10),
        *seen("wisteria.com", "dns", days=10),
        *seen("wisteria.com", "edr", days=150),
        *seen("intranet.local", "dns", days=10),
    ],
    objects=[
        idp("birchton.com"),
        idp("ironwood.com"),
        idp("katsuras.com", has_sso=False),
        idp("laurelle.com", last_login_at=ago(5)),
        idp("oleander.com"),
        idp("pinecone.com"),
        idp("viburnum.com", has_sso=False),
    ],
    cis=[
        ci("cedarama.com"),
        ci("elmgrove.com"),
        ci("gardenia.com"),
        ci("mahogany.com", "retired"),
        ci("redwoods.com", ci_type="laptop"),
        ci("quincess.com"),
        ci("sequoias.com"),
        ci("myalderway.com"),
        ci("wisteria.com"),
    ],
    resources=[cloud("drumlins-queue")],
    transactions=[
        spend("Cedarama"),
        spend("Sequoias", is_recurring=False),
        spend("Tamarack Inc"),
    ],
    contracts=[{"vendor_name": "Quincess"}],
)
HEALTHY = {
    "alderway.com": "shadow",
    "birchton.com": "clean",
    "cedarama.com": "zombie",
    "drumlins.com": "parked",
    "elmgrove.com": "indeterminate",
    "firtrees.com": "shadow",
    "gardenia.com": "parked",
    "hawthorn.com": "rejected",
    "ironwood.com": "clean",
    "junipero.com": "clean",
    "katsuras.com": "rejected",
    "laurelle.com": "clean",
    "mahogany.com": "shadow",
    "nutmeggy.com": "rejected",
    "oleander.com": "clean",
    "oleander.app": "shadow",
    "pinecone.com": "clean",
    "pinecona.com": "shadow",
    "python.org": "rejected",
    "quincess.com": "parked",
    "redwoods.com": "shadow",
    "sequoias.com": "parked",
    "tamarack.com": "rejected",
    "viburnum.com": "clean",
    "wisteria.com": "clean",
}
CHANGED: dict[str, dict[str, str | None]] = {}


def test_the_healthy_twin_is_right():
    assert verdicts(SAMPLE) == HEALTHY


def changes(defect):
    found = verdicts(SAMPLE, anatomy(defect))
    return {
        key: found.get(key) for key in sorted(HEALTHY.keys() | found) if HEALTHY.get(key) != found.get(key)
    }
