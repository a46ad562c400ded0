"""Who may read: tokens as hashes, each with the subjects and the days it is for."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE token (
            id text PRIMARY KEY,
            kind text NOT NULL,
            name text NOT NULL CHECK (name <> ''),
            sha256 bytea NOT NULL CHECK (length(sha256) = 32),
            rights text[] NOT NULL,
            made timestamptz NOT NULL DEFAULT now(),
            expires timestamptz NOT NULL CHECK (expires <= made + interval '366 days'),
            revoked timestamptz,
            used timestamptz
        )
    """)
    op.execute("""
        CREATE TABLE token_grant (
            token text NOT NULL REFERENCES token,
            subject text NOT NULL,
            valid_from date,
            valid_to date,
            CHECK (valid_from <= valid_to)
        )
    """)
    op.execute("CREATE INDEX token_grant_token ON token_grant (token)")


def downgrade() -> None:
    op.execute("DROP TABLE token_grant")
    op.execute("DROP TABLE token")
