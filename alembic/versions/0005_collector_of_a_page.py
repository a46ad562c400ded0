"""A page names the version of the collector that read it."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE page ADD COLUMN collector text NOT NULL DEFAULT ''")


def downgrade() -> None:
    op.execute("ALTER TABLE page DROP COLUMN collector")
