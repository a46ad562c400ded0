"""Trends and history find the frames of an indicator by time, whatever their source."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX reading_frame_by_time ON reading_frame (indicator, period, at_s)")


def downgrade() -> None:
    op.execute("DROP INDEX reading_frame_by_time")
