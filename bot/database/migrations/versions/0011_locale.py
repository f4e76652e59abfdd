"""Remember the language of who asked for a training.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the table."""
    with op.batch_alter_table("trainings") as batch_op:
        batch_op.add_column(sa.Column("locale", sa.String(length=8), nullable=False, server_default="en-US"))


def downgrade() -> None:
    """Change it back."""
    with op.batch_alter_table("trainings") as batch_op:
        batch_op.drop_column("locale")
