"""What a day ended with as it is known now, beside what was judged when it ended."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

VIEW = """
CREATE VIEW reading_daily AS
SELECT f.source, f.indicator, f.period,
       (to_timestamp(f.at_s) AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day,
       r.subject, r.value, r.num, r.den, r.target, r.state, {watermark} AS watermark_s
FROM reading_frame f, unnest({columns}) AS r(subject, value, num, den, target, state)
WHERE f.closes_day
"""
COLUMNS = ("subject", "value", "num", "den", "target", "state")


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE reading_frame
            ADD COLUMN now_watermark_s bigint,
            ADD COLUMN now_subject text[],
            ADD COLUMN now_value double precision[],
            ADD COLUMN now_num bigint[],
            ADD COLUMN now_den bigint[],
            ADD COLUMN now_target double precision[],
            ADD COLUMN now_state text[]
        """
    )
    op.execute("ALTER TABLE source_state ADD COLUMN revised_seq bigint NOT NULL DEFAULT 0")
    # What was judged before stays as it was judged.
    op.execute("UPDATE source_state SET revised_seq = seq")
    op.execute("DROP VIEW reading_daily")
    now = ", ".join(f"coalesce(f.now_{c}, f.{c})" for c in COLUMNS)
    op.execute(VIEW.format(columns=now, watermark="coalesce(f.now_watermark_s, f.watermark_s)"))


def downgrade() -> None:
    op.execute("DROP VIEW reading_daily")
    op.execute("ALTER TABLE source_state DROP COLUMN revised_seq")
    drops = ", ".join(f"DROP COLUMN now_{c}" for c in ("watermark_s", *COLUMNS))
    op.execute(f"ALTER TABLE reading_frame {drops}")
    plain = ", ".join(f"f.{c}" for c in COLUMNS)
    op.execute(VIEW.format(columns=plain, watermark="f.watermark_s"))
