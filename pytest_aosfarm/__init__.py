"""pytest-aosfarm: tests for autonomOS modules against a synthetic enterprise whose truth is known.

The front door: public names, each loaded when first used.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as in typing, which is slow to import
if TYPE_CHECKING:
    from pytest_aosfarm.chaos import faults as faults
    from pytest_aosfarm.chaos.effects import DoubleEffectError as DoubleEffectError
    from pytest_aosfarm.chaos.handle import Chaos as Chaos
    from pytest_aosfarm.chaos.policy import Policy as Policy
    from pytest_aosfarm.chaos.policy import Rule as Rule
    from pytest_aosfarm.chaos.steady import SteadyStateError as SteadyStateError
    from pytest_aosfarm.chaos.strategies import fault_schedules as fault_schedules
    from pytest_aosfarm.errors import ChaosError as ChaosError
    from pytest_aosfarm.errors import ConfigurationError as ConfigurationError
    from pytest_aosfarm.errors import FarmError as FarmError
    from pytest_aosfarm.errors import ModuleError as ModuleError
    from pytest_aosfarm.errors import MustFireError as MustFireError
    from pytest_aosfarm.errors import RecordingError as RecordingError
    from pytest_aosfarm.errors import TwinError as TwinError
    from pytest_aosfarm.farm import Farm as Farm
    from pytest_aosfarm.grading import ClassGrade as ClassGrade
    from pytest_aosfarm.grading import Grade as Grade
    from pytest_aosfarm.grading import Miss as Miss
    from pytest_aosfarm.grading import explain as explain
    from pytest_aosfarm.grading import grade as grade
    from pytest_aosfarm.modules.aod import AodClient as AodClient
    from pytest_aosfarm.modules.aod import AsyncAodClient as AsyncAodClient
    from pytest_aosfarm.settings import Settings as Settings
    from pytest_aosfarm.sinks.postgres_tenant import tenant_connection as tenant_connection
    from pytest_aosfarm.synthetic import records as records
    from pytest_aosfarm.synthetic import strategies as strategies
    from pytest_aosfarm.synthetic.assets import Assets as Assets
    from pytest_aosfarm.synthetic.business import Business as Business
    from pytest_aosfarm.synthetic.dataset import Dataset as Dataset
    from pytest_aosfarm.synthetic.events import Events as Events
    from pytest_aosfarm.synthetic.faker_provider import FarmProvider as FarmProvider
    from pytest_aosfarm.synthetic.faker_provider import farm_provider as farm_provider
    from pytest_aosfarm.synthetic.messy import Mess as Mess
    from pytest_aosfarm.synthetic.messy import Messy as Messy
    from pytest_aosfarm.synthetic.snapshot import Snapshot as Snapshot
    from pytest_aosfarm.synthetic.snapshot import Truth as Truth
    from pytest_aosfarm.synthetic.table import Table as Table
    from pytest_aosfarm.tenants import Tenant as Tenant

_HOMES = {
    "AodClient": "modules.aod",
    "Assets": "synthetic.assets",
    "AsyncAodClient": "modules.aod",
    "Business": "synthetic.business",
    "Chaos": "chaos.handle",
    "ChaosError": "errors",
    "ClassGrade": "grading",
    "ConfigurationError": "errors",
    "Dataset": "synthetic.dataset",
    "DoubleEffectError": "chaos.effects",
    "Events": "synthetic.events",
    "Farm": "farm",
    "FarmError": "errors",
    "FarmProvider": "synthetic.faker_provider",
    "Grade": "grading",
    "Mess": "synthetic.messy",
    "Messy": "synthetic.messy",
    "Miss": "grading",
    "ModuleError": "errors",
    "MustFireError": "errors",
    "Policy": "chaos.policy",
    "RecordingError": "errors",
    "Rule": "chaos.policy",
    "Settings": "settings",
    "Snapshot": "synthetic.snapshot",
    "SteadyStateError": "chaos.steady",
    "Table": "synthetic.table",
    "Tenant": "tenants",
    "Truth": "synthetic.snapshot",
    "TwinError": "errors",
    "explain": "grading",
    "farm_provider": "synthetic.faker_provider",
    "fault_schedules": "chaos.strategies",
    "faults": "chaos",
    "grade": "grading",
    "records": "synthetic",
    "strategies": "synthetic",
    "tenant_connection": "sinks.postgres_tenant",
}
_ROOMS = {"faults", "records", "strategies"}
"""Names that are modules."""

__all__ = tuple(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = f"{__name__}.{_HOMES[name]}"
    return import_module(f"{home}.{name}") if name in _ROOMS else getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
