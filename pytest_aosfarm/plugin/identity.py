"""What a test is called for its data, faults and history: the same from a clone, a wheel, a subdirectory or a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ("identity_of",)

_LAB_PACKAGES = ("pytest_aosfarm.labs.", "labs.")


def identity_of(item: pytest.Item) -> str:
    """`farm_id("X")` plus the parameters in brackets; else dotted module path, "::", classes, name and parameters.

    The module path is counted from the outermost package directory, or, for a file in no package, from the root
    directory. It is never taken from the node id, which depends on where pytest was started and on xdist.
    """
    mark = item.get_closest_marker("farm_id")
    if mark is not None:
        _, bracket, parameters = item.name.partition("[")
        return f"{mark.args[0]}{bracket}{parameters}"
    classes = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    return f"{_module_path(item.path, item.config.rootpath)}::{'.'.join([*classes, item.name])}"


def _module_path(path: Path, root: Path) -> str:
    package = path.parent
    while (package / "__init__.py").is_file() and package != package.parent:
        package = package.parent
    if package == path.parent:
        package = root if path.is_relative_to(root) else path.parent
    dotted = ".".join(path.relative_to(package).with_suffix("").parts)
    for prefix in _LAB_PACKAGES:
        if dotted.startswith(prefix):
            return dotted.removeprefix(prefix)
    return dotted
