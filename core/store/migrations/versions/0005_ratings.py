"""Ratings of images."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "rating",
        sa.Column("image_id", sa.Integer, sa.ForeignKey("image.id", name="fk_rating_image_id", ondelete="CASCADE"),
                  primary_key=True),
        sa.Column("stars", sa.Integer, nullable=False),
    )
