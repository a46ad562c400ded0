"""Definitions by version, which of them judged a figure, and since which page steps are as told."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE definition_version (
            indicator text NOT NULL,
            version text NOT NULL,
            number integer NOT NULL CHECK (number > 0),
            known timestamptz NOT NULL DEFAULT now(),
            from_s bigint NOT NULL,
            body jsonb NOT NULL,
            PRIMARY KEY (indicator, version),
            UNIQUE (indicator, number)
        )
    """)
    op.execute("ALTER TABLE reading_head ADD COLUMN definition text")
    op.execute("ALTER TABLE reading_frame ADD COLUMN definition text")
    op.execute("ALTER TABLE source_state ADD COLUMN remade_seq bigint NOT NULL DEFAULT 0")


def downgrade() -> None:
    op.execute("ALTER TABLE source_state DROP COLUMN remade_seq")
    op.execute("ALTER TABLE reading_frame DROP COLUMN definition")
    op.execute("ALTER TABLE reading_head DROP COLUMN definition")
    op.execute("DROP TABLE definition_version")
