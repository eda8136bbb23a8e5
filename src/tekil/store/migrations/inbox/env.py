"""Alembic's entry point for the inbox schema."""

from __future__ import annotations

from alembic import context

from tekil.store.schema import inbox_metadata

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=inbox_metadata,
        version_table=context.config.attributes["version_table"],
        render_as_batch=True,
    )
    if engine.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        # Several processes may start at once; the others wait and find nothing left to do.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7834602)")
    context.run_migrations()
    connection.commit()
