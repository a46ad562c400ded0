"""Quarantine tells a record that was passed over from a page that will be asked for again."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE quarantine ADD COLUMN whole_page boolean NOT NULL DEFAULT false")
    op.execute("CREATE INDEX quarantine_open ON quarantine (source, id) WHERE replayed IS NULL")


def downgrade() -> None:
    op.execute("DROP INDEX quarantine_open")
    op.execute("ALTER TABLE quarantine DROP COLUMN whole_page")
