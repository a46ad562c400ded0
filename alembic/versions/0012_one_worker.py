"""Who works, under which term; transactions of a worker that was replaced are refused."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Every transaction of a worker passes at least one of these.
TABLES = ("source_state", "reading_frame", "reading_latest", "alert_cursor", "outbox", "change",
          "definition_version", "subject_key")  # fmt: skip


def upgrade() -> None:
    op.execute(
        "ALTER TABLE pulse ADD COLUMN term bigint NOT NULL DEFAULT 0,"
        " ADD COLUMN holder text NOT NULL DEFAULT '', ADD COLUMN kept bigint NOT NULL DEFAULT 0"
    )
    # The lock is shared among a worker's transactions and lasts as long as each of them: whoever
    # takes over waits for it alone, so no transaction sees the old term and commits under the new.
    op.execute("""
        CREATE FUNCTION only_in_its_term() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE works bigint;
        BEGIN
            PERFORM pg_advisory_xact_lock_shared(766, 2);
            SELECT term INTO works FROM pulse;
            IF works <> current_setting('ioc.term')::bigint THEN
                RAISE EXCEPTION 'this worker was replaced: its term % is over, term % works now',
                    current_setting('ioc.term'), works USING ERRCODE = 'IOC01';
            END IF;
            RETURN NULL;
        END $$
    """)
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER only_in_its_term BEFORE INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH STATEMENT WHEN (current_setting('ioc.term', true) <> '')"
            " EXECUTE FUNCTION only_in_its_term()"
        )


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TRIGGER only_in_its_term ON {table}")
    op.execute("DROP FUNCTION only_in_its_term")
    op.execute("ALTER TABLE pulse DROP COLUMN term, DROP COLUMN holder, DROP COLUMN kept")
