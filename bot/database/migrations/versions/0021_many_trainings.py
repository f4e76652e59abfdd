"""Let several machines train, and share their models.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the tables."""
    with op.batch_alter_table("trainings") as batch_op:
        batch_op.add_column(sa.Column("machine", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("beat", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("status", sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        "models",
        sa.Column("server", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("card", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("server", "name", name=op.f("pk_models")),
    )


def downgrade() -> None:
    """Change them back."""
    op.drop_table("models")
    with op.batch_alter_table("trainings") as batch_op:
        batch_op.drop_column("status")
        batch_op.drop_column("beat")
        batch_op.drop_column("machine")
