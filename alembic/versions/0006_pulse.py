"""The worker's sign of life, and the reason while the server refuses what is collected."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE TABLE pulse (id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),"
        " beats bigint NOT NULL DEFAULT 0, refusal text) WITH (fillfactor = 10)"
    )
    op.execute("INSERT INTO pulse DEFAULT VALUES")


def downgrade() -> None:
    op.execute("DROP TABLE pulse")
