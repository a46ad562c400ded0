"""Series: batches as rows of a journal, sealed buckets as rows of month partitions."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# source_id is in every unique key: the column by which these tables can be distributed.
TABLES = """
CREATE TABLE series_source (
    source_id integer PRIMARY KEY,
    source text UNIQUE NOT NULL
);
CREATE TABLE series (
    source_id integer NOT NULL,
    series_id integer NOT NULL,
    code text NOT NULL,
    unit text NOT NULL,
    tick_ms bigint NOT NULL,
    width_days integer NOT NULL,
    PRIMARY KEY (source_id, series_id),
    UNIQUE (source_id, code)
);
CREATE TABLE series_place (
    source_id integer PRIMARY KEY,
    seq bigint NOT NULL DEFAULT 0,
    cursor text NOT NULL DEFAULT '',
    known_ms bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE TABLE series_mark (
    source_id integer PRIMARY KEY,
    sealed_seq bigint NOT NULL DEFAULT 0,
    known_ms bigint NOT NULL DEFAULT 0,
    next_close_ms bigint,
    latest bytea
) WITH (fillfactor = 50);
CREATE TABLE series_journal (
    source_id integer NOT NULL,
    seq bigint NOT NULL,
    known_ms bigint NOT NULL,
    first_ms bigint NOT NULL,
    last_ms bigint NOT NULL,
    n integer NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (source_id, seq)
);
CREATE TABLE series_piece (
    source_id integer NOT NULL,
    series_id integer NOT NULL,
    day date NOT NULL,
    seq_lo bigint NOT NULL,
    seq_hi bigint NOT NULL,
    n integer NOT NULL,
    first_ms bigint NOT NULL,
    last_ms bigint NOT NULL,
    close_ms bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (source_id, series_id, day, seq_lo)
);
CREATE TABLE series_ledger (
    source_id integer NOT NULL,
    seq_first bigint NOT NULL,
    seq_last bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (source_id, seq_first)
);
CREATE TABLE series_chunk (
    source_id integer NOT NULL,
    series_id integer NOT NULL,
    day date NOT NULL,
    n integer NOT NULL,
    first_ms bigint NOT NULL,
    last_ms bigint NOT NULL,
    v_first double precision NOT NULL,
    v_last double precision NOT NULL,
    v_min double precision NOT NULL,
    v_max double precision NOT NULL,
    v_sum double precision NOT NULL,
    seq_lo bigint NOT NULL,
    seq_hi bigint NOT NULL,
    hours bytea,
    past bytea,
    body bytea NOT NULL,
    PRIMARY KEY (source_id, series_id, day)
) PARTITION BY RANGE (day);
"""
# What is packed already is not packed again.
PACKED = ("series_journal.body", "series_piece.body", "series_ledger.body", "series_mark.latest",
          "series_chunk.hours", "series_chunk.past", "series_chunk.body")  # fmt: skip
NAMES = ("source", "place", "mark", "journal", "piece", "ledger", "chunk")


def upgrade() -> None:
    op.execute(TABLES)
    for column in PACKED:
        table, name = column.split(".")
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {name} SET STORAGE EXTERNAL")


def downgrade() -> None:
    op.execute(f"DROP TABLE series, {', '.join(f'series_{n}' for n in NAMES)}")
