"""Keep compositions, showcases, ratings and servers.

Revision ID: 0001
Revises: nothing
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the tables."""
    op.create_table(
        "opera",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("author", sa.BigInteger(), nullable=False),
        sa.Column("server", sa.BigInteger(), nullable=True),
        sa.Column("parent", sa.String(length=12), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("model", sa.String(length=32), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("rest_unit", sa.String(length=8), nullable=False),
        sa.Column("anchor", sa.String(length=8), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("given", sa.Integer(), nullable=False),
        sa.Column("bars", sa.Float(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opera")),
    )
    with op.batch_alter_table("opera") as batch_op:
        batch_op.create_index(batch_op.f("ix_opera_author_created"), ["author", "created"], unique=False)

    op.create_table(
        "servers",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("model", sa.String(length=32), nullable=True),
        sa.Column("temperature", sa.Float(), nullable=True),
        sa.Column("bars", sa.Integer(), nullable=True),
        sa.Column("showcase", sa.BigInteger(), nullable=True),
        sa.Column("trainers", sa.BigInteger(), nullable=True),
        sa.Column("soundfont", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_servers")),
    )
    op.create_table(
        "ratings",
        sa.Column("opus", sa.String(length=12), nullable=False),
        sa.Column("user", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["opus"], ["opera.id"], name=op.f("fk_ratings_opus"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("opus", "user", name=op.f("pk_ratings")),
    )
    op.create_table(
        "shown",
        sa.Column("opus", sa.String(length=12), nullable=False),
        sa.Column("server", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["opus"], ["opera.id"], name=op.f("fk_shown_opus"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("opus", name=op.f("pk_shown")),
    )
    with op.batch_alter_table("shown") as batch_op:
        batch_op.create_index(batch_op.f("ix_shown_server"), ["server"], unique=False)


def downgrade() -> None:
    """Change them back."""
    with op.batch_alter_table("shown") as batch_op:
        batch_op.drop_index(batch_op.f("ix_shown_server"))

    op.drop_table("shown")
    op.drop_table("ratings")
    op.drop_table("servers")
    with op.batch_alter_table("opera") as batch_op:
        batch_op.drop_index(batch_op.f("ix_opera_author_created"))

    op.drop_table("opera")
