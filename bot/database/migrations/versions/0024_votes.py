"""Learn what the members of a server like.

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the tables."""
    op.create_table(
        "votes",
        sa.Column("server", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("opus", sa.String(length=12), nullable=False),
        sa.Column("liked", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("others", sa.JSON(), nullable=False),
        sa.Column("moment", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("server", "user", "kind", "opus", name=op.f("pk_votes")),
    )
    op.create_index(op.f("ix_votes_server_moment"), "votes", ["server", "moment"])
    with op.batch_alter_table("servers") as batch_op:
        batch_op.add_column(sa.Column("taste", sa.Boolean(), nullable=True))


def downgrade() -> None:
    """Change them back."""
    with op.batch_alter_table("servers") as batch_op:
        batch_op.drop_column("taste")
    op.drop_index(op.f("ix_votes_server_moment"), table_name="votes")
    op.drop_table("votes")
