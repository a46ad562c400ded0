"""When a case was overdue, for lists of a day that is over."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # NULL where it never was, or where `late` says it all: most rows, and none of the index.
    op.execute("ALTER TABLE record ADD COLUMN overdue tstzmultirange")
    op.execute(
        "CREATE INDEX record_overdue ON record USING gist (overdue) WHERE overdue IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("DROP INDEX record_overdue")
    op.execute("ALTER TABLE record DROP COLUMN overdue")
