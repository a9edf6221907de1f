"""Evaluations, diagnoses of their failures, and labels that people give them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables."""
    _evaluations()
    _labels()


def _evaluations() -> None:
    op.create_table(
        "evaluation",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("queries", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_evaluation"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "diagnosis",
        sa.Column("evaluation_id", sa.Integer, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("evaluation_id", "at", name="pk_diagnosis"),
        sa.ForeignKeyConstraint(["evaluation_id"], ["evaluation.id"], name="fk_diagnosis_evaluation_id",
                                ondelete="CASCADE"),
    )


def _labels() -> None:
    op.create_table(
        "failure_label",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("evaluation_id", sa.Integer, nullable=False),
        sa.Column("way", sa.Text, nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("changed", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_failure_label"),
        sa.ForeignKeyConstraint(["evaluation_id"], ["evaluation.id"], name="fk_failure_label_evaluation_id",
                                ondelete="CASCADE"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_failure_label_evaluation_id_way_query", "failure_label", ["evaluation_id", "way", "query"])
