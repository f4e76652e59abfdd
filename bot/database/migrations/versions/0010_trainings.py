"""Keep trainings.

Revision ID: 0010
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the tables."""
    op.create_table(
        "trainings",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("server", sa.BigInteger(), nullable=False),
        sa.Column("user", sa.BigInteger(), nullable=True),
        sa.Column("channel", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended", sa.DateTime(timezone=True), nullable=True),
        sa.Column("base", sa.String(length=32), nullable=True),
        sa.Column("size", sa.String(length=12), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("gathered", sa.JSON(), nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("wish", sa.String(length=12), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trainings")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_trainings_fingerprint")),
    )
    with op.batch_alter_table("trainings") as batch_op:
        batch_op.create_index(batch_op.f("ix_trainings_server"), ["server"], unique=False)
        batch_op.create_index(batch_op.f("ix_trainings_state"), ["state"], unique=False)


def downgrade() -> None:
    """Change them back."""
    with op.batch_alter_table("trainings") as batch_op:
        batch_op.drop_index(batch_op.f("ix_trainings_state"))
        batch_op.drop_index(batch_op.f("ix_trainings_server"))

    op.drop_table("trainings")
