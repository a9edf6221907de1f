"""Run by Alembic with the connection that `core.store.database` opened, inside its transaction."""

from alembic import context

from core.store.schema import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata,
                  render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
