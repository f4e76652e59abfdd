"""Keep the voices of pieces that were harmonised.

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the tables."""
    op.add_column("opera", sa.Column("parts", sa.JSON(none_as_null=True)))


def downgrade() -> None:
    """Change them back."""
    op.drop_column("opera", "parts")
