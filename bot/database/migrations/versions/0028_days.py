"""Keep pieces of the day.

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the tables."""
    op.create_table(
        "days",
        sa.Column("server", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("date", sa.String(length=10), nullable=False),
        sa.Column("channel", sa.BigInteger(), nullable=False),
        sa.Column("beat", sa.DateTime(timezone=True), nullable=False),
        sa.Column("takes", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("message", sa.BigInteger(), nullable=True),
        sa.Column("closes", sa.DateTime(timezone=True), nullable=True),
        sa.Column("winner", sa.String(length=12), nullable=True),
        sa.Column("pinned", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("server", "date", name=op.f("pk_days")),
    )
    with op.batch_alter_table("servers") as batch_op:
        batch_op.add_column(sa.Column("daily", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("hour", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("zone", sa.String(length=64), nullable=True))


def downgrade() -> None:
    """Change them back."""
    with op.batch_alter_table("servers") as batch_op:
        batch_op.drop_column("zone")
        batch_op.drop_column("hour")
        batch_op.drop_column("daily")
    op.drop_table("days")
