"""The guarantees that hold of each table of tenants, as questions to PostgreSQL's catalogue: every row is a finding."""

from __future__ import annotations

from typing import NamedTuple

from pytest_aosfarm.recording.isolation import NAMED, add_not_empty, isolation
from pytest_aosfarm.recording.synthetic_ddl import quoted

__all__ = ("CHECKS", "RELATIONS", "TABLE", "Check")

RELATIONS = r"""
    WITH RECURSIVE named AS (
        SELECT pg_class.oid FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = current_schema() AND relkind IN ('r', 'p', 'f') AND relname ~ '^(synthetic|farm)_'
        UNION SELECT inhrelid FROM pg_inherits JOIN named ON inhparent = oid
    ), above AS (
        SELECT oid FROM named
        UNION SELECT ev_class FROM above
        JOIN pg_depend ON refclassid = 'pg_class'::regclass AND refobjid = above.oid AND classid = 'pg_rewrite'::regclass
        JOIN pg_rewrite ON pg_rewrite.oid = objid
    ), tables AS (SELECT pg_class.* FROM named JOIN pg_class USING (oid)),
    views AS (SELECT pg_class.* FROM above JOIN pg_class USING (oid) WHERE relkind IN ('v', 'm'))
"""
"""`tables`: the synthetic ones and those of the run store in the connection's schema, and all their partitions.
`views`: all that show them, in any schema.
"""

TABLE = "oid::regclass::text"
_INVOKER = "EXISTS (SELECT FROM unnest(reloptions) AS o WHERE lower(o) ~ '^security_invoker=(true|on|yes|1)$')"
_OURS = " AND ".join(
    f"COALESCE(pg_get_expr({one}, polrelid) = {quoted(NAMED)}, false)" for one in ("polqual", "polwithcheck")
)
_NOT_EMPTY = "CHECK ((tenant_id <> ''::text))"
_BOUND = (
    r"'CHECK ((tenant_id = ' || substring(pg_get_expr(relpartbound, tables.oid) FROM '^FOR VALUES IN \((.*)\)$')"
    " || '::text))'"
)


class Check(NamedTuple):
    """A question whose rows begin with a relation; {0}, {1} … in the texts are what stands in the row."""

    query: str
    wrong: str
    do: str


def _tables(where: str, wrong: str, do: str) -> Check:
    """About tables of which something holds."""
    return Check(f"{RELATIONS} SELECT {TABLE} FROM tables WHERE {where} ORDER BY 1", wrong, do)


def _parts(part: str, joined: str, where: str, wrong: str, do: str) -> Check:
    """About parts of tables, each with its name."""
    return Check(
        f"{RELATIONS} SELECT tables.{TABLE}, {part} FROM tables JOIN {joined} WHERE {where} ORDER BY 1, 2", wrong, do
    )


def _views(kind: str, where: str, wrong: str, do: str) -> Check:
    """About views and materialised views."""
    return Check(f"{RELATIONS} SELECT {TABLE} FROM views WHERE relkind = '{kind}' AND {where} ORDER BY 1", wrong, do)


def _without(text: str) -> str:
    """That a table has no constraint that reads like this."""
    return f"NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = tables.oid AND pg_get_constraintdef(oid) = {text})"


def _not_tenant(number: str, table: str) -> str:
    """That a column's number is not that of the table's tenant_id."""
    return f"{number} IS DISTINCT FROM (SELECT attnum FROM pg_attribute WHERE attrelid = {table} AND attname = 'tenant_id')"


CHECKS = (
    _tables(
        "NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = tables.oid AND attname = 'tenant_id' AND attnotnull"
        " AND atttypid = 'text'::regtype)",
        "has no column tenant_id text NOT NULL",
        "say there whose each row is, or give the table another name",
    ),
    _tables(
        f"NOT relispartition AND {_without(quoted(_NOT_EMPTY))}",
        "lets tenant_id be empty",
        add_not_empty("{0}"),
    ),
    _tables("NOT relrowsecurity", "row level security is off", "ALTER TABLE {0} ENABLE ROW LEVEL SECURITY"),
    _tables("NOT relforcerowsecurity", "its owner is not bound", "ALTER TABLE {0} FORCE ROW LEVEL SECURITY"),
    _tables(
        f"NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = tables.oid AND polpermissive AND polcmd = '*' AND {_OURS})",
        "no policy holds what is read and written to the tenant",
        "; ".join(isolation("{0}")),
    ),
    _parts(
        "quote_ident(polname)",
        "pg_policy ON polrelid = tables.oid",
        f"polpermissive AND NOT ({_OURS})",
        "the policy {1} lets more through",
        "DROP POLICY {1} ON {0}",
    ),
    _parts(
        "indexrelid::regclass::text",
        "pg_index ON indrelid = tables.oid",
        f"(indisunique OR indisexclusion) AND {_not_tenant('indkey[0]', 'tables.oid')}",
        "the key {1} does not begin with tenant_id: its errors tell what other tenants have",
        "make it begin with tenant_id",
    ),
    _parts(
        "quote_ident(conname)",
        "pg_constraint ON conrelid = tables.oid",
        f"contype = 'f' AND ({_not_tenant('conkey[1]', 'conrelid')} OR {_not_tenant('confkey[1]', 'confrelid')})",
        "the foreign key {1} does not begin with tenant_id: it can refer to another tenant's row",
        "make both its sides begin with tenant_id",
    ),
    _tables(
        f"relispartition AND NOT COALESCE(relkind = 'r' AND NOT {_without(_BOUND)}, false)",
        "this partition's CHECK does not say that it holds one tenant, that of its bound",
        "load the tenant again",
    ),
    _views(
        "v",
        f"NOT {_INVOKER}",
        "this view reads with the rights of its owner",
        "ALTER VIEW {0} SET (security_invoker = true)",
    ),
    _views("m", "true", "a materialised view has no policies: it shows all tenants", "DROP MATERIALIZED VIEW {0}"),
)
