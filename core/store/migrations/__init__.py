"""Alembic's environment and the revisions of the store's schema; run by `core.store.database` when a file is older."""
