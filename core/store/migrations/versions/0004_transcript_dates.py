"""Date of each transcript; unknown (NULL) for those of earlier releases."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column. A plain ADD COLUMN: no table is rebuilt."""
    op.add_column("transcript", sa.Column("created", sa.DateTime, nullable=True))
