"""The marker `chaos(...)`: what it may be given, and the policy that the marks of a test make."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.chaos.policy import Policy, Rule, explained, rule_of
from pytest_aosfarm.chaos.presets import policy_of
from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.plugin.markers import mark_text

if TYPE_CHECKING:
    import pytest

__all__ = ("policy_of_marks",)


def policy_of_marks(item: pytest.Item) -> tuple[Policy | None, int | None]:
    """The rules of all `chaos` marks of a test, the nearest first, and the nearest seed; None when it has none.

    `preset="off"` takes away what is further out. Raises ConfigurationError for a mark that is not valid.
    """
    rules: list[Rule] = []
    seed: int | None = None
    marks = list(item.iter_markers("chaos"))
    for mark in marks:
        options = dict(mark.kwargs)
        given = options.pop("seed", None)
        try:
            policy = _policy(*mark.args, **options)
            seed = operator.index(given) if seed is None and given is not None else seed
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"marker {mark_text(mark)} is not valid: {explained(error)}") from None
        if policy is None:
            break
        rules += policy.rules
    return Policy(name="marker", rules=tuple(rules)) if marks else None, seed


def _policy(
    *modules: str,
    fault: Any = None,
    faults: Any = None,
    preset: str | Policy | None = None,
    route: str | None = None,
    **options: Any,
) -> Policy | None:
    if any(not isinstance(module, str) for module in modules):
        raise TypeError('modules are texts, such as chaos("aod", fault="503")')
    if preset is not None:
        if preset == "off":
            return None
        if fault is not None or faults is not None or route is not None or options:
            raise TypeError("a preset has its own faults, calls and times; only modules may be named beside it")
        policy = preset if isinstance(preset, Policy) else policy_of(preset)
        return policy.for_module(*modules) if modules else policy
    if (fault is None) == (faults is None):
        raise TypeError('one of fault, faults and preset is needed, such as chaos("aod", fault="503", rate=0.2)')
    return Policy(rules=(rule_of(modules, faults if fault is None else fault, route=route, **options),))

