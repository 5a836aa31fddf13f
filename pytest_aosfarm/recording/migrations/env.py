"""What Alembic runs: the steps, on the connection and in the transaction that `schema` gives."""

from __future__ import annotations

from alembic import context

from pytest_aosfarm.recording.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=context.config.get_main_option("version_table"),
    transactional_ddl=True,
)
context.run_migrations()
