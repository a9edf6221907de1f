"""Searches saved under a name, and the recordings of their spoken terms."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "saved_search",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("gallery", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("terms", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_search"),
        sa.UniqueConstraint("key", name="uq_saved_search_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "saved_recording",
        sa.Column("search_id", sa.Integer, nullable=False),
        sa.Column("term", sa.Integer, nullable=False),
        sa.Column("recording", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("search_id", "term", name="pk_saved_recording"),
        sa.ForeignKeyConstraint(["search_id"], ["saved_search.id"], name="fk_saved_recording_search_id",
                                ondelete="CASCADE"),
    )
    op.create_index("ix_saved_recording_digest", "saved_recording", ["digest"])
