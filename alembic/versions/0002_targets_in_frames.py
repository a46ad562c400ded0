"""Frames keep the target each figure was judged by; quarantine remembers what was replayed."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # NULL for frames of before: which target judged them is not known.
    op.execute("ALTER TABLE reading_frame ADD COLUMN target double precision[]")
    op.execute("ALTER TABLE quarantine ADD COLUMN replayed timestamptz")
    op.execute("DROP VIEW reading_daily")
    op.execute(
        """
        CREATE VIEW reading_daily AS
        SELECT f.source, f.indicator, f.period,
               (to_timestamp(f.at_s) AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day,
               r.subject, r.value, r.num, r.den, r.target, r.state, f.watermark_s
        FROM reading_frame f,
             unnest(f.subject, f.value, f.num, f.den, f.target, f.state)
                 AS r(subject, value, num, den, target, state)
        WHERE f.closes_day
        """
    )


def downgrade() -> None:
    op.execute("DROP VIEW reading_daily")
    op.execute("ALTER TABLE quarantine DROP COLUMN replayed")
    op.execute("ALTER TABLE reading_frame DROP COLUMN target")
    op.execute(
        """
        CREATE VIEW reading_daily AS
        SELECT f.source, f.indicator, f.period,
               (to_timestamp(f.at_s) AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day,
               r.subject, r.value, r.num, r.den, r.state, f.watermark_s
        FROM reading_frame f,
             unnest(f.subject, f.value, f.num, f.den, f.state)
                 AS r(subject, value, num, den, state)
        WHERE f.closes_day
        """
    )
