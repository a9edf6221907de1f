"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create all tables."""
    _galleries()
    _pictures()
    _embeddings()
    _histories()


def _galleries() -> None:
    op.create_table(
        "gallery",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("revision", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gallery"),
        sa.UniqueConstraint("key", name="uq_gallery_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "folder",
        sa.Column("gallery_id", sa.Integer, nullable=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("gallery_id", "path", name="pk_folder"),
        sa.ForeignKeyConstraint(["gallery_id"], ["gallery.id"], name="fk_folder_gallery_id", ondelete="CASCADE"),
    )
    op.create_table(
        "failure",
        sa.Column("gallery_id", sa.Integer, nullable=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("mtime_ns", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("max_megapixels", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("gallery_id", "path", name="pk_failure"),
        sa.ForeignKeyConstraint(["gallery_id"], ["gallery.id"], name="fk_failure_gallery_id", ondelete="CASCADE"),
    )


def _pictures() -> None:
    op.create_table(
        "content",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("taken", sa.DateTime),
        sa.PrimaryKeyConstraint("id", name="pk_content"),
        sa.UniqueConstraint("hash", name="uq_content_hash"),
    )
    op.create_table(
        "image",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("gallery_id", sa.Integer, nullable=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("content_id", sa.Integer, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("mtime_ns", sa.Integer, nullable=False),
        sa.Column("missing", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_image"),
        sa.UniqueConstraint("gallery_id", "path", name="uq_image_gallery_id_path"),
        sa.ForeignKeyConstraint(["gallery_id"], ["gallery.id"], name="fk_image_gallery_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["content_id"], ["content.id"], name="fk_image_content_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_image_gallery_id_missing", "image", ["gallery_id", "missing"])
    op.create_index("ix_image_content_id_gallery_id", "image", ["content_id", "gallery_id"])
    op.create_table(
        "tag",
        sa.Column("image_id", sa.Integer, nullable=False),
        sa.Column("tag", sa.String(100, collation="NOCASE"), nullable=False),
        sa.PrimaryKeyConstraint("image_id", "tag", name="pk_tag"),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name="fk_tag_image_id", ondelete="CASCADE"),
    )
    op.create_index("ix_tag_tag", "tag", ["tag"])


def _embeddings() -> None:
    op.create_table(
        "fingerprint",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("dim", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fingerprint"),
        sa.UniqueConstraint("hash", name="uq_fingerprint_hash"),
    )
    op.create_table(
        "embedding",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("content_id", sa.Integer, nullable=False),
        sa.Column("fingerprint_id", sa.Integer, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_embedding"),
        sa.UniqueConstraint("content_id", "fingerprint_id", name="uq_embedding_content_id_fingerprint_id"),
        sa.ForeignKeyConstraint(["content_id"], ["content.id"], name="fk_embedding_content_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["fingerprint_id"], ["fingerprint.id"], name="fk_embedding_fingerprint_id",
                                ondelete="CASCADE"),
    )


def _histories() -> None:
    op.create_table(
        "transcript",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("digest", "fingerprint", name="pk_transcript"),
    )
    op.create_table(
        "query",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("gallery", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("recording", sa.LargeBinary),
        sa.Column("terms", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_query"),
        sqlite_autoincrement=True,
    )
