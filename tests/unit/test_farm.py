"""The Farm without pytest: data by settings, one look at each live module, nothing left after close."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pytest_aosfarm.errors import ConfigurationError, ModuleError
from pytest_aosfarm.farm import Farm
from pytest_aosfarm.settings import resolve

RUN = "0b5c4a7e-7e7f-4a3b-9b1a-2f1d9c0c1d2e"
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def farm_with():
    farms = []

    def make(env=None, **options):
        given = {name: (f"--farm-{name}", text) for name, text in options.items()}
        settings = resolve(given, env or {}, {}, now=NOW, draw_seed=lambda _: 1)
        farms.append(Farm(settings, RUN))
        return farms[-1]

    yield make
    for farm in farms:
        farm.close()


def test_data_comes_from_the_settings(farm_with):
    farm = farm_with(scale="medium", seed="7", profile="clean")
    dataset = farm.dataset(farm.tenant("acme"))
    assert (dataset.tenant_key, dataset.scale.name, dataset.seed, dataset.profile) == ("acme", "medium", 7, "clean")
    assert dataset.anchor == farm.settings.anchor


def test_data_may_differ_from_the_settings(farm_with):
    farm = farm_with()
    moment = farm.settings.anchor - timedelta(days=120)
    dataset = farm.dataset(farm.tenant("acme"), scale="large", profile="messy", anchor=moment)
    assert (dataset.scale.name, dataset.profile, dataset.anchor) == ("large", "messy", moment)


def test_the_last_datasets_are_kept_and_no_more(farm_with):
    farm = farm_with()
    first, again = (farm.dataset(farm.tenant("a")) for _ in range(2))
    assert first is again
    for key in ("b", "c"):
        farm.dataset(farm.tenant(key))
    assert farm.dataset(farm.tenant("a")) is not first


@pytest.mark.parametrize("options", [{}, {"modules": "live"}], ids=["default", "live"])
def test_an_unknown_module_is_named(farm_with, options):
    farm = farm_with({"AOD_BASE_URL": "http://aod.test"}, **options)
    with pytest.raises(ConfigurationError, match="no module is called 'crm'; known: aod"):
        farm.module("crm", farm.tenant("acme"))


def test_a_live_module_without_address(farm_with):
    farm = farm_with({"DCL_BASE_URL": "http://dcl.test"}, modules="live")
    with pytest.raises(ConfigurationError, match="set AOD_BASE_URL"):
        farm.module("aod", farm.tenant("acme"))
    assert farm.is_live("dcl")


def test_a_bad_address_is_refused_when_it_is_needed(farm_with):
    farm = farm_with({"AOD_BASE_URL": "ftp://me:secret@aod.test"})
    with pytest.raises(ConfigurationError) as caught:
        farm.module("aod", farm.tenant("acme"))
    assert "from env AOD_BASE_URL" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_silent_module_is_asked_once(farm_with, monkeypatch):
    from pytest_aosfarm.modules.aod import AodClient

    asked = []

    def probe(self):
        asked.append(self.timeout)
        raise ModuleError("no AOD there")

    monkeypatch.setattr(AodClient, "probe", probe)
    farm = farm_with({"AOD_BASE_URL": "http://aod.test"})
    for key in ("a", "b", "c"):
        with pytest.raises(ModuleError, match="AOD_BASE_URL: no AOD there"):
            farm.module("aod", farm.tenant(key))
    assert asked == [10.0]


def test_an_embedded_module_is_one_twin_and_one_pool_and_ends_with_the_farm(farm_with):
    farm = farm_with()
    assert farm.twin_pid("aod") is None
    clients = [farm.module("aod", farm.tenant(key)) for key in ("a", "b")]
    assert clients[0].http is clients[1].http
    assert clients[0].base_url == clients[1].base_url == farm.base_url("aod")
    assert clients[0].health().status
    farm.close()
    farm.close()
    assert farm.twin_pid("aod") is None
    assert clients[0].http.is_closed


def test_exclusive_may_be_nested_and_is_nothing_for_a_twin(farm_with):
    for farm in (farm_with(), farm_with({"AOD_BASE_URL": "http://aod.test"})):
        with farm.exclusive("aod"), farm.exclusive("aod"):
            pass
    assert farm.twin_pid("aod") is None
