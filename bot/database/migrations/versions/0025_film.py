"""Let servers choose who plays, and when pieces are filmed.

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the tables."""
    op.add_column("servers", sa.Column("instrument", sa.String(40)))
    op.add_column("servers", sa.Column("film", sa.String(20)))


def downgrade() -> None:
    """Change them back."""
    op.drop_column("servers", "film")
    op.drop_column("servers", "instrument")
