"""Keep which films are owed.

Revision ID: 0029
Revises: 0028
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the tables."""
    op.create_table(
        "films",
        sa.Column("message", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.BigInteger(), nullable=False),
        sa.Column("server", sa.BigInteger(), nullable=True),
        sa.Column("opus", sa.String(length=12), nullable=False),
        sa.Column("beat", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["opus"], ["opera.id"], name=op.f("fk_films_opus"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("message", name=op.f("pk_films")),
    )


def downgrade() -> None:
    """Change them back."""
    op.drop_table("films")
