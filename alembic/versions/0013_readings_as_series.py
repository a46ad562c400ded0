"""Who is who in the series of readings: the number by which a subject's points are told apart."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


# What a sealer, and whoever declares series, writes; a commit of readings passes others as well.
FENCED = ("reading_subject", "series", "series_place", "series_mark")


def upgrade() -> None:
    # Frames that are no day's close move into series when the worker starts: see app/store/past.
    op.execute(
        """
        CREATE TABLE reading_subject (
            source text NOT NULL,
            number integer NOT NULL CHECK (number >= 0),
            subject text NOT NULL,
            PRIMARY KEY (source, number),
            UNIQUE (source, subject)
        )
        """
    )
    for table in FENCED:
        op.execute(
            f"CREATE TRIGGER only_in_its_term BEFORE INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH STATEMENT WHEN (current_setting('ioc.term', true) <> '')"
            " EXECUTE FUNCTION only_in_its_term()"
        )


def downgrade() -> None:
    for table in FENCED:
        op.execute(f"DROP TRIGGER only_in_its_term ON {table}")
    op.execute("DROP TABLE reading_subject")
