"""The AOD twin: discovery from evidence planes, by the published rules, without any answer key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aosfarm.twins.twin import Twin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI

__all__ = ("TWIN",)


def _build(defect: str | None) -> FastAPI:
    from pytest_aosfarm.twins.aod.app import create_app
    from pytest_aosfarm.twins.aod.defects import anatomy

    return create_app(anatomy(defect))


def _defects() -> Mapping[str, str]:
    from pytest_aosfarm.twins.aod.defects import descriptions

    return descriptions()


TWIN = Twin(build=_build, defects=_defects)
