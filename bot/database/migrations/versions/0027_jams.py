"""Keep the jams that are going on.

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the tables."""
    op.create_table(
        "jams",
        sa.Column("thread", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("server", sa.BigInteger(), nullable=False),
        sa.Column("starter", sa.BigInteger(), nullable=True),
        sa.Column("music", sa.JSON(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.Column("holder", sa.BigInteger(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("thread", name=op.f("pk_jams")),
    )
    op.create_index(op.f("ix_jams_server"), "jams", ["server"])
    op.create_table(
        "turns",
        sa.Column("thread", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["thread"], ["jams.thread"], name=op.f("fk_turns_thread"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("thread", "number", name=op.f("pk_turns")),
    )


def downgrade() -> None:
    """Change them back."""
    op.drop_table("turns")
    op.drop_index(op.f("ix_jams_server"), table_name="jams")
    op.drop_table("jams")
