"""How a yearly target is coming stands beside its newest reading."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE reading_latest ADD COLUMN pace jsonb")


def downgrade() -> None:
    op.execute("ALTER TABLE reading_latest DROP COLUMN pace")
