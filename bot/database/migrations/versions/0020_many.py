"""Keep what several processes share: requests, allowances, results, machines.

Revision ID: 0020
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the tables."""
    op.create_table(
        "requests",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user", sa.BigInteger(), nullable=False),
        sa.Column("server", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("asked", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun", sa.DateTime(timezone=True), nullable=True),
        sa.Column("chat", sa.String(length=32), nullable=True),
        sa.Column("beat", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed", sa.Boolean(), nullable=False),
        sa.Column("origin", sa.JSON(), nullable=False),
        sa.Column("job", sa.JSON(), nullable=True),
        sa.Column("made", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        sa.UniqueConstraint("user", name=op.f("uq_requests_user")),
    )
    with op.batch_alter_table("requests") as batch_op:
        batch_op.create_index(batch_op.f("ix_requests_server"), ["server"], unique=False)

    op.create_table(
        "allowances",
        sa.Column("user", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("spent", sa.Float(), nullable=False),
        sa.Column("moment", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user", name=op.f("pk_allowances")),
    )
    op.create_table(
        "results",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("request", sa.BigInteger(), nullable=True),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_results")),
        prefixes=["UNLOGGED"] if op.get_bind().dialect.name == "postgresql" else [],
    )
    with op.batch_alter_table("results") as batch_op:
        batch_op.create_index(batch_op.f("ix_results_expires"), ["expires"], unique=False)
        batch_op.create_index(batch_op.f("ix_results_request"), ["request"], unique=False)

    op.create_table(
        "machines",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("beat", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_machines")),
    )


def downgrade() -> None:
    """Change them back."""
    op.drop_table("machines")
    with op.batch_alter_table("results") as batch_op:
        batch_op.drop_index(batch_op.f("ix_results_request"))
        batch_op.drop_index(batch_op.f("ix_results_expires"))

    op.drop_table("results")
    op.drop_table("allowances")
    with op.batch_alter_table("requests") as batch_op:
        batch_op.drop_index(batch_op.f("ix_requests_server"))

    op.drop_table("requests")
