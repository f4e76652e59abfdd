"""Let the processes of a bot take turns at the gateway.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the tables."""
    op.create_table(
        "identified",
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("moment", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_identified")),
    )
    op.create_table(
        "synced",
        sa.Column("bot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("bot", name=op.f("pk_synced")),
    )


def downgrade() -> None:
    """Change them back."""
    op.drop_table("synced")
    op.drop_table("identified")
