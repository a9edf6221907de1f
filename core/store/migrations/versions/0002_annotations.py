"""Spoken captions: speakers, takes, and where the annotating of each gallery stands."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables."""
    _speakers()
    _takes()
    _places()


def _speakers() -> None:
    op.create_table(
        "speaker",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("consent", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_speaker"),
        sa.UniqueConstraint("key", name="uq_speaker_key"),
        sqlite_autoincrement=True,
    )


def _takes() -> None:
    op.create_table(
        "take",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("image_id", sa.Integer),
        sa.Column("picture", sa.LargeBinary, nullable=False),
        sa.Column("speaker_id", sa.Integer, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("recording", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("warning", sa.Text, nullable=False),
        sa.Column("heard", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("binned", sa.DateTime),
        sa.PrimaryKeyConstraint("id", name="pk_take"),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name="fk_take_image_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["speaker_id"], ["speaker.id"], name="fk_take_speaker_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_take_image_id", "take", ["image_id"])
    op.create_index("ix_take_picture", "take", ["picture"])
    op.create_index("ix_take_digest", "take", ["digest"])


def _places() -> None:
    op.create_table(
        "annotating",
        sa.Column("gallery_id", sa.Integer, nullable=False),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("image_id", sa.Integer),
        sa.Column("speaker_id", sa.Integer),
        sa.PrimaryKeyConstraint("gallery_id", name="pk_annotating"),
        sa.ForeignKeyConstraint(["gallery_id"], ["gallery.id"], name="fk_annotating_gallery_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name="fk_annotating_image_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["speaker_id"], ["speaker.id"], name="fk_annotating_speaker_id", ondelete="SET NULL"),
    )
