"""The spine: sources, pages, records, readings, the change log, alerts."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE epoch (id text PRIMARY KEY, since timestamptz NOT NULL DEFAULT now());
INSERT INTO epoch (id) VALUES (gen_random_uuid()::text);

CREATE TABLE source_state (
    source text PRIMARY KEY,
    cursor text NOT NULL DEFAULT '',
    seq bigint NOT NULL DEFAULT 0,
    watermark_s bigint,
    caught_up boolean NOT NULL DEFAULT false,
    records bigint NOT NULL DEFAULT 0,
    quarantined bigint NOT NULL DEFAULT 0,
    last_error text,
    last_success_s bigint,
    measures text NOT NULL DEFAULT '',
    evaluated_seq bigint NOT NULL DEFAULT 0,
    evaluated_s bigint
);

CREATE TABLE page (
    source text NOT NULL,
    seq bigint NOT NULL,
    cursor text NOT NULL,
    payload_sha256 text NOT NULL,
    count integer NOT NULL,
    rejected integer NOT NULL,
    watermark_s bigint NOT NULL,
    more boolean NOT NULL,
    stored timestamptz NOT NULL DEFAULT now(),
    steps bytea NOT NULL,
    PRIMARY KEY (source, seq)
);
ALTER TABLE page ALTER COLUMN steps SET STORAGE EXTERNAL;

CREATE TABLE record (
    source text NOT NULL,
    kind text NOT NULL,
    code text NOT NULL,
    owner text NOT NULL,
    sector text NOT NULL,
    received timestamptz,
    due timestamptz,
    ended timestamptz,
    late timestamptz,
    seq bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (source, kind, code)
) WITH (fillfactor = 80);
CREATE INDEX record_late ON record (kind, late) WHERE late IS NOT NULL AND ended IS NULL;

CREATE TABLE quarantine (
    id bigserial PRIMARY KEY,
    source text NOT NULL,
    reason text NOT NULL,
    payload_sha256 text NOT NULL,
    payload bytea NOT NULL,
    known_s bigint NOT NULL,
    count integer NOT NULL DEFAULT 1,
    UNIQUE (source, payload_sha256)
);

CREATE TABLE reading_head (
    source text NOT NULL,
    indicator text NOT NULL,
    period text NOT NULL,
    period_s bigint NOT NULL,
    at_s bigint NOT NULL,
    watermark_s bigint NOT NULL,
    PRIMARY KEY (source, indicator, period)
);

CREATE TABLE reading_latest (
    source text NOT NULL,
    indicator text NOT NULL,
    period text NOT NULL,
    subject text NOT NULL,
    value double precision,
    num bigint,
    den bigint,
    target double precision,
    state text NOT NULL,
    reason text NOT NULL DEFAULT '',
    PRIMARY KEY (source, indicator, period, subject)
) WITH (fillfactor = 70);

CREATE TABLE reading_frame (
    source text NOT NULL,
    indicator text NOT NULL,
    period text NOT NULL,
    at_s bigint NOT NULL,
    watermark_s bigint NOT NULL,
    period_s bigint NOT NULL,
    closes_day boolean NOT NULL,
    subject text[] NOT NULL,
    value double precision[] NOT NULL,
    num bigint[] NOT NULL,
    den bigint[] NOT NULL,
    state text[] NOT NULL,
    PRIMARY KEY (source, indicator, period, at_s)
);

CREATE VIEW reading_daily AS
SELECT f.source, f.indicator, f.period,
       (to_timestamp(f.at_s) AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day,
       r.subject, r.value, r.num, r.den, r.state, f.watermark_s
FROM reading_frame f,
     unnest(f.subject, f.value, f.num, f.den, f.state) AS r(subject, value, num, den, state)
WHERE f.closes_day;

CREATE TABLE change (
    "offset" bigserial PRIMARY KEY,
    kind text NOT NULL,
    source text NOT NULL,
    at_s bigint NOT NULL,
    watermark_s bigint NOT NULL,
    filling boolean NOT NULL,
    payload jsonb NOT NULL
);

-- Offsets must be handed out in commit order, or a reader that has passed offset 2 would never
-- see an offset 1 that commits later: writers of the log queue for one lock until they commit.
CREATE FUNCTION change_in_commit_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(4918);
    RETURN NULL;
END $$;
CREATE TRIGGER change_order BEFORE INSERT ON change
    FOR EACH STATEMENT EXECUTE FUNCTION change_in_commit_order();

CREATE TABLE alert (
    id bigserial PRIMARY KEY,
    indicator text NOT NULL,
    level text NOT NULL,
    subject text NOT NULL,
    severity text NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'active', 'resolved')),
    since_s bigint NOT NULL,
    raised_s bigint,
    resolved_s bigint,
    value double precision,
    target double precision,
    worst jsonb NOT NULL DEFAULT '[]',
    filling boolean NOT NULL,
    sent boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX alert_open ON alert (indicator, level, subject) WHERE state <> 'resolved';
CREATE TABLE alert_cursor (name text PRIMARY KEY, epoch text NOT NULL, "offset" bigint NOT NULL);

CREATE TABLE outbox (
    id bigserial PRIMARY KEY,
    alert_id bigint REFERENCES alert,
    transition text NOT NULL,
    receiver text NOT NULL,
    idem_key text UNIQUE NOT NULL,
    notice jsonb NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'dead', 'superseded')),
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    lease_until timestamptz,
    last_error text,
    created timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbox_queued ON outbox (next_at) WHERE state = 'queued';
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute(
        "DROP TABLE outbox, alert_cursor, alert, change, reading_frame, reading_latest,"
        " reading_head, quarantine, record, page, source_state, epoch CASCADE"
    )
    op.execute("DROP FUNCTION IF EXISTS change_in_commit_order CASCADE")
