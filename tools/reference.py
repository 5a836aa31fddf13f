"""`python -m tools.reference`: writes docs/reference.md, everything that has a name, from where it is defined."""

from __future__ import annotations

import argparse
import ast
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
from sqlalchemy import JSON, BigInteger, Boolean, Float, Integer, LargeBinary, Text

from pytest_aosfarm import cli
from pytest_aosfarm.chaos.faults import fault_kinds
from pytest_aosfarm.chaos.latency import DELAY_FORMS
from pytest_aosfarm.exports.junit import RUN_PROPERTIES
from pytest_aosfarm.plugin import github, keys, markers
from pytest_aosfarm.recording import ci, events, properties, sigterm, status, tables
from pytest_aosfarm.settings import MODULE_URLS, markdown_table
from tools.column_meanings import MEANINGS
from tools.pages import DOCS, comments, first_paragraph, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Column, Table

    from pytest_aosfarm.chaos.faults import Fault

PATH = DOCS / "reference.md"
HEADING = """# Reference

Written by `python -m tools.reference` from the code; a test compares.

[Settings](#settings) · [Environment variables](#environment-variables) · [Fixtures](#fixtures) · [Markers](#markers) ·
[Faults](#faults) · [User properties](#user-properties) · [Exit codes](#exit-codes) · [Statuses](#statuses) ·
[Commands](#commands) · [Run store](#run-store) · [Spool](#spool) · [Synthetic tables](tables.md)
"""
STORE = """Every row has `tenant_id`, the owner of the record (`--farm-tenant`, else `default`), which leads every key. What
`aosfarm data load` loads stands in [tables.md](tables.md)."""
MANY = 3
"""An option that so many commands share is explained once."""
TYPES: dict[type, str] = {
    tables.UtcDateTime: "moment",
    Boolean: "true or false",
    BigInteger: "whole number",
    Integer: "whole number",
    Float: "number",
    JSON: "JSON",
    LargeBinary: "bytes",
    Text: "text",
}
OUR_EXIT_CODES = {
    status.INCOMPLETE_EXIT_CODE: comments(status)["INCOMPLETE_EXIT_CODE"],
    int(sigterm.EXIT_CODE): comments(sigterm)["EXIT_CODE"],
}


def page() -> str:
    """The whole page."""
    parts = [HEADING]
    for title, section in (
        ("Settings", _settings),
        ("Environment variables", _variables),
        ("Fixtures", _fixtures),
        ("Markers", _markers),
        ("Faults", _faults),
        ("User properties", _properties),
        ("Exit codes", _exit_codes),
        ("Statuses", _statuses),
        ("Commands", _commands),
        ("Run store", _store),
        ("Spool", _spool),
    ):
        parts += [f"## {title}", section()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _settings() -> str:
    return f"An option decides, else the environment, else the ini file, else the default.\n\n{markdown_table()}"


def _variables() -> str:
    rows = [(f"`{variable}`", f"address of a live {module}") for module, variable in MODULE_URLS.items()]
    for provider in ci._PROVIDERS:
        templates = " ".join((*provider.url, *provider.change, *provider.branch, *provider.sha))
        names = dict.fromkeys([provider.told_by, *re.findall(r"\{(\w+)\}", templates)])
        rows.append((", ".join(f"`{name}`" for name in names), f"the CI job, on {provider.name}"))
    rows += [(f"`{name}`", about) for name, about in github.VARIABLES.items()]
    return "Beside those of the settings; an empty one counts as none.\n\n" + table(("variable", "what it says"), rows)


def _fixtures() -> str:
    rows = []
    for path in sorted(Path(keys.__file__).parent.glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for scope in _fixture_scopes(node):
                assert isinstance(node, ast.FunctionDef)
                rows.append((f"`{node.name}`", scope, first_paragraph(ast.get_docstring(node))))
    return "None runs by itself.\n\n" + table(("fixture", "scope", "what it is"), rows)


def _fixture_scopes(node: ast.stmt) -> Iterator[str]:
    for decorator in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
        call = decorator if isinstance(decorator, ast.Call) else None
        if ast.unparse(call.func if call else decorator) == "pytest.fixture":
            scopes = [ast.literal_eval(word.value) for word in (call.keywords if call else ()) if word.arg == "scope"]
            yield from scopes or ["function"]


def _markers() -> str:
    texts = [text.partition(": ") for text in markers._TEXTS.values()]
    return table(("marker", "what it does"), [(f"`{name}`", about) for name, _, about in texts])


def _faults() -> str:
    rows = []
    for name, kind in fault_kinds().items():
        own = [field.alias or key for key, field in kind.model_fields.items()]
        fields = ", ".join(f"`{field}`" for field in own if field not in {"kind", "delivered"})
        forms = ", ".join(f"`{form}`" for form in kind.forms)
        rows.append((f"`{name}`", kind.family, forms, fields, _arrives(kind), first_paragraph(kind.__doc__)))
    return (
        "In markers, policies and `chaos.on`, in a short form or as the class of the same name (`read_timeout` is "
        "`ReadTimeout`) with its fields. `delivered` says whether the request reaches the module all the same; in the short "
        "form the words `delivered` or `not delivered` do. Where it is drawn, the caller cannot know.\n\n"
        f"{table(('fault', 'family', 'short forms', 'fields', 'delivered', 'what happens'), rows)}\n\n"
        f"A delay is written as {DELAY_FORMS.replace(chr(39), '`')}."
    )


def _arrives(kind: type[Fault]) -> str:
    """Whether the request reaches the module, and whether the fault may say otherwise."""
    nature = {True: "yes", False: "no", None: "drawn"}[kind.nature]
    if "reply" in kind.model_fields:
        return f"{nature}, unless it has a `reply`"
    return nature if kind.impossible else f"{nature}, or as said"


def _properties() -> str:
    said = {**comments(keys), **comments(properties)}
    named = {**vars(keys), **vars(properties)}
    rows = [(f"`{named[name]}`", said[name]) for name in said if name.endswith("_PROPERTY")]
    rows.append((f"`{properties.GRADE_PREFIX}…`", said["GRADE_PREFIX"]))
    of_suite = ", ".join(f"`{name}`" for name in RUN_PROPERTIES)
    return (
        f"They travel with a test's reports, to JUnit XML as well.\n\n{table(('property', 'what it says'), rows)}\n\n"
        f"The suite in JUnit XML, pytest's and that of `aosfarm export`, has as far as it is known: {of_suite}."
    )


def _exit_codes() -> str:
    usual = {code.value: code.name.capitalize().replace("_", " ") + "." for code in map(pytest.ExitCode, range(6))}
    said = [(code, [usual.get(code, ""), OUR_EXIT_CODES.get(code, "")]) for code in sorted({*usual, *OUR_EXIT_CODES})]
    rows = [(str(code), " ".join(filter(None, texts))) for code, texts in said]
    commands = inspect.getdoc(cli.main) or ""
    return f"{table(('pytest', 'when'), rows)}\n\n`aosfarm`:{commands.partition(':')[2].partition(chr(10))[0]}"


def _statuses() -> str:
    return table(("status", "what it means"), [(f"`{name}`", text) for name, text in status.STATUSES.items()])


def _commands() -> str:
    leaves = list(_leaves(cli._parser(), ""))
    owners: dict[tuple[str, str], list[str]] = {}
    for name, _, parser in leaves:
        for action in _own(parser):
            owners.setdefault(_argument(action), []).append(name)
    shared = [(*argument, ", ".join(names)) for argument, names in owners.items() if len(names) >= MANY]
    parts = ["`aosfarm COMMAND`. Arguments that several commands have:", table(("argument", "meaning", "commands"), shared)]
    for name, about, parser in leaves:
        parts.append(f"### aosfarm {name}\n\n{about[:1].upper()}{about[1:]}.")
        arguments = [_argument(action) for action in _own(parser)]
        if rows := [argument for argument in arguments if len(owners[argument]) < MANY]:
            parts.append(table(("argument", "meaning"), rows))
    return "\n\n".join(parts)


def _leaves(
    parser: argparse.ArgumentParser, name: str, about: str = ""
) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """(name, help, parser) of each command that has none below it."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield name, about, parser
    for action in below:
        texts = {choice.dest: choice.help or "" for choice in action._choices_actions}
        for word, child in action.choices.items():
            yield from _leaves(child, f"{name} {word}".strip(), texts[word])


def _own(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]


def _argument(action: argparse.Action) -> tuple[str, str]:
    shown = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    value = "" if action.nargs == 0 else f" {shown}"
    names = ", ".join(f"`{option}{value}`" for option in action.option_strings) or f"`{shown}`"
    return names, (action.help or "").replace("|", "\\|").replace("%%", "%")


def _store() -> str:
    parts = [STORE]
    said = comments(tables)
    for one in tables.metadata.tables.values():
        rows = [_column(column, one) for column in one.columns if column.name != "tenant_id"]
        about = said[one.name]
        parts.append(f"### {one.name}\n\n{about}\n\n{table(('column', 'holds', 'meaning'), rows)}")
    return "\n\n".join(parts)


def _column(column: Column[Any], of: Table) -> tuple[str, str, str]:
    holds = next(text for kind, text in TYPES.items() if isinstance(column.type, kind))
    key = " (key)" if column.primary_key else ""
    return f"`{column.name}`{key}", holds + (" or null" if column.nullable else ""), meaning(of.name, column.name)


def meaning(of: str, column: str) -> str:
    """What a column means. Raises KeyError for one that tools/column_meanings.py does not know."""
    return MEANINGS.get(f"{of}.{column}") or MEANINGS[column]


def _spool() -> str:
    rows = []
    for kind in get_args(events.Event):
        fields = ", ".join(f"`{name}`" for name in kind.__dataclass_fields__)
        name = next(name for name, one in events._KINDS.items() if one is kind)
        rows.append((f"`{name}`", first_paragraph(kind.__doc__), fields))
    about = (
        "`.aosfarm/spool/RUN.jsonl` is written before the database: one JSON object a line, `event` is its kind, "
        f"a field that has its default is left out. Version {events.WIRE_VERSION}."
    )
    return f"{about}\n\n{table(('event', 'what it says', 'fields'), rows)}"


def main() -> None:
    """Write the page."""
    PATH.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
