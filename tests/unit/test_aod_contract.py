"""The contract of AOD: what a reply must have, what it may have, and how verdicts are read from it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.modules.catalog import MODULES, module
from pytest_aosfarm.modules.client import ModuleClient
from pytest_aosfarm.modules.contracts import aod as contract
from pytest_aosfarm.twins.twin import Twin

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY = "silverpine.com"


def feed(*, admission: str = "admitted", codes: Iterable[str] = (), **flags: bool) -> contract.Feed:
    detail = {"is_shadow": False, "is_zombie": False, "is_parked": False, **flags}
    return contract.Feed.model_validate(
        {
            "aod_discovery_id": "run_000000000000",
            "shadow_actual": [],
            "zombie_actual": [],
            "admission_actual": {KEY: admission},
            "actual_reason_codes": {KEY: list(codes)},
            "asset_details": {KEY: detail},
            "summary": {},
        }
    )


def rejection(
    entity_key: str, entity_name: str = "Some Name", reason_code: str = contract.REJECTED_ENTITY
) -> contract.Rejection:
    return contract.Rejection(entity_key=entity_key, entity_name=entity_name, reason_code=reason_code)


READINGS = {
    "shadow": (feed(is_shadow=True, codes=["RECENT_ACTIVITY"]), "shadow"),
    "zombie": (feed(is_zombie=True, codes=["STALE_ACTIVITY"]), "zombie"),
    "parked": (feed(is_parked=True, codes=["STALE_ACTIVITY"]), "parked"),
    "clean": (feed(codes=["HAS_IDP", "RECENT_ACTIVITY"]), "clean"),
    "indeterminate": (feed(codes=["NO_ACTIVITY_TIMESTAMPS"]), "indeterminate"),
    "rejected": (feed(admission="rejected"), "rejected"),
    "not eligible": (feed(codes=["RECENT_ACTIVITY", "NOT_RECONCILIATION_ELIGIBLE"]), contract.UNCLASSIFIED),
    "stale without a flag": (feed(codes=["STALE_ACTIVITY"]), contract.UNCLASSIFIED),
    "two flags": (feed(is_shadow=True, is_parked=True), contract.UNCLASSIFIED),
    "no codes": (feed(), contract.UNCLASSIFIED),
}


@pytest.mark.parametrize(("reply", "verdict"), READINGS.values(), ids=READINGS)
def test_a_verdict_is_read(reply: contract.Feed, verdict: str) -> None:
    assert contract.verdicts(reply, []) == {KEY: verdict}


def test_an_admitted_key_without_detail_is_unclassified() -> None:
    reply = feed(codes=["RECENT_ACTIVITY"])
    reply.asset_details.clear()

    assert contract.verdicts(reply, []) == {KEY: contract.UNCLASSIFIED}


def test_rejections_beyond_the_feed_are_read_from_the_list() -> None:
    found = contract.verdicts(feed(is_shadow=True), [rejection("entity:tinytool.io")])

    assert found == {KEY: "shadow", "tinytool.io": "rejected"}


def test_a_dropped_observation_has_no_verdict() -> None:
    reply = feed(is_shadow=True)
    reply.admission_actual["some name"] = "rejected"

    found = contract.verdicts(reply, [rejection("obs-1", " Some Name ", contract.DROPPED_OBSERVATION)])

    assert found == {KEY: "shadow"}


def test_where_feed_and_list_contradict_the_feed_decides() -> None:
    assert contract.verdicts(feed(is_zombie=True), [rejection(f"entity:{KEY}")]) == {KEY: "zombie"}


RUN = {
    "aod_discovery_id": "run_0123456789ab",
    "tenant_id": "t",
    "status": "completed",
    "counts": {"observations_in": 1, "candidates_out": 1, "assets_admitted": 1, "rejected": 0},
    "message": "ok",
}


def test_a_newer_aod_may_add_fields() -> None:
    run = contract.RunResponse.model_validate(RUN | {"brand_new": 1})

    assert run.model_extra == {"brand_new": 1}


@pytest.mark.parametrize("field", RUN)
def test_a_field_that_is_promised_must_come(field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        contract.RunResponse.model_validate({name: value for name, value in RUN.items() if name != field})


@pytest.mark.parametrize("run_id", ["", "run_", "0123456789ab", "run_0123456789AB", "run_0123456789abc"])
def test_a_run_id_has_its_form(run_id: str) -> None:
    with pytest.raises(ValidationError, match="aod_discovery_id"):
        contract.RunResponse.model_validate(RUN | {"aod_discovery_id": run_id})


def test_the_catalogue_knows_its_modules() -> None:
    assert module("aod") is MODULES["aod"]
    assert MODULES["aod"].url_env == "AOD_BASE_URL"
    with pytest.raises(ConfigurationError, match=r"no module is called 'aot'; known: aod"):
        module("aot")


def test_what_the_catalogue_names_exists() -> None:
    for entry in MODULES.values():
        path, attribute = entry.client.split(":")
        assert issubclass(getattr(import_module(path), attribute), ModuleClient)
        path, attribute = entry.twin.split(":")
        assert isinstance(getattr(import_module(path), attribute), Twin)
