"""Which measure each indicator's steps are of, and days' closes as an edited one counts them."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE source_state ADD COLUMN recounts bigint NOT NULL DEFAULT 0")
    # walked_s: up to which instant way_close stands for the closes that were judged; NULL: the
    # ways are to be walked again. What was never edited has walked nothing.
    op.execute(
        """
        CREATE TABLE measure_kept (
            source text NOT NULL,
            indicator text NOT NULL,
            number integer NOT NULL,
            common text NOT NULL,
            measure text NOT NULL,
            remade_seq bigint NOT NULL DEFAULT 0,
            walked_s bigint DEFAULT 0,
            PRIMARY KEY (source, indicator)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE way_close (
            source text NOT NULL,
            indicator text NOT NULL,
            period text NOT NULL,
            at_s bigint NOT NULL,
            subject text[] NOT NULL,
            value double precision[] NOT NULL,
            PRIMARY KEY (source, indicator, period, at_s)
        )
        """
    )
    for table in ("measure_kept", "way_close"):
        op.execute(
            f"CREATE TRIGGER only_in_its_term BEFORE INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH STATEMENT WHEN (current_setting('ioc.term', true) <> '')"
            " EXECUTE FUNCTION only_in_its_term()"
        )


def downgrade() -> None:
    op.execute("DROP TABLE way_close")
    op.execute("DROP TABLE measure_kept")
    op.execute("ALTER TABLE source_state DROP COLUMN recounts")
