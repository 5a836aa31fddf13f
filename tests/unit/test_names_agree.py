"""Names that stand in two rooms because neither may import the other are the same names."""

from __future__ import annotations

from pytest_aosfarm import settings
from pytest_aosfarm.modules.catalog import MODULES
from pytest_aosfarm.plugin import keys
from pytest_aosfarm.recording import properties
from pytest_aosfarm.synthetic import scale, shapes


def test_properties_are_read_as_they_are_written():
    ours = (keys.IDENTITY_PROPERTY, keys.TENANT_PROPERTY, keys.LAB_PROPERTY, keys.FAULTS_PROPERTY, keys.CHAOS_PROPERTY)
    assert ours == (properties.IDENTITY, properties.TENANT, properties.LAB, properties.FAULTS, properties.CHAOS)
    assert properties.GRADE_PREFIX.startswith(keys.PROPERTY_PREFIX)


def test_settings_offer_what_the_data_knows():
    assert tuple(scale.SCALES) == settings.SCALES
    assert shapes.PROFILES == settings.PROFILES


def test_every_module_has_the_variable_that_settings_read():
    assert {name: settings.MODULE_URLS[name] for name in MODULES} == {n: m.url_env for n, m in MODULES.items()}
