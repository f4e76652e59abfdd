"""Find the pieces that came from one.

Revision ID: 0026
Revises: 0025
"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the table."""
    op.create_index(op.f("ix_opera_parent"), "opera", ["parent"])


def downgrade() -> None:
    """Change it back."""
    op.drop_index(op.f("ix_opera_parent"), table_name="opera")
