"""What a test is called for its data, faults and history: the same from a clone, a wheel, a subdirectory or a worker."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

import pytest

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.plugin.markers import farm_id_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ("check_unique", "identity_of", "identity_of_nodeid")

_LAB_PACKAGES = ("pytest_aosfarm.labs.", "labs.")

_counts_key = pytest.StashKey[Counter[str]]()
_modules_key = pytest.StashKey[dict["Path", str]]()


def identity_of(item: pytest.Item) -> str:
    """`farm_id` or else "dotted.module::Class.test", and the parameters in brackets.

    The module path counts from the outermost package directory, or, for a file in no package, from the directory of
    the configuration file, which `--rootdir` does not move; from the root directory if there is none. It is never
    taken from the node id, which depends on where pytest was started and on xdist. Raises ConfigurationError for a
    `farm_id` without a text.
    """
    name, bracket, parameters = item.name.partition("[")
    given = farm_id_of(item)
    if given is None:
        classes = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
        given = f"{_module_of(item)}::{'.'.join([*classes, name])}"
    return given + bracket + parameters


def identity_of_nodeid(config: pytest.Config) -> Callable[[str], str]:
    """A function that gives the identity of a node id as `identity_of` does, but knows no `farm_id`.

    For a test that died in a worker before it could say who it is, or that runs where the Farm is not in use.
    """
    base = _base(config)

    @cache
    def module_path(file: str) -> str:
        return _module_path(config.rootpath / file, base)

    def identity(nodeid: str) -> str:
        file, separator, rest = nodeid.partition("::")
        if not separator:
            return nodeid
        names, bracket, parameters = rest.partition("[")
        return f"{module_path(file)}::{names.replace('::', '.')}{bracket}{parameters}"

    return identity


def check_unique(item: pytest.Item) -> None:
    """Raise ConfigurationError if another test of the session has the same identity: their tenants would be one."""
    counts = item.session.stash.get(_counts_key, None)
    if counts is None:
        counts = item.session.stash[_counts_key] = Counter(_identities(item.session))
    identity = identity_of(item)
    if counts[identity] > 1:
        raise ConfigurationError(
            f"{counts[identity]} tests have the identity {identity!r}, and so the same tenant; "
            'give each its own with @pytest.mark.farm_id("...")'
        )


def _identities(session: pytest.Session) -> list[str]:
    found = []
    # An item may be asked for twice on one command line; it is the same test.
    for item in {item.nodeid: item for item in session.items}.values():
        try:
            found.append(identity_of(item))
        except ConfigurationError:
            continue  # said when that test asks for its own
    return found


def _base(config: pytest.Config) -> Path:
    return config.inipath.parent if config.inipath is not None else config.rootpath


def _module_of(item: pytest.Item) -> str:
    """The module path of the test's file; files are looked at once, there may be thousands of tests in one."""
    known = item.config.stash.setdefault(_modules_key, {})
    if item.path not in known:
        known[item.path] = _module_path(item.path, _base(item.config))
    return known[item.path]


def _module_path(path: Path, base: Path) -> str:
    package = path.parent
    while (package / "__init__.py").is_file():
        package = package.parent
    if package == path.parent and path.is_relative_to(base):
        package = base
    dotted = ".".join(path.relative_to(package).with_suffix("").parts)
    prefix = next((prefix for prefix in _LAB_PACKAGES if dotted.startswith(prefix)), "")
    return dotted.removeprefix(prefix)
