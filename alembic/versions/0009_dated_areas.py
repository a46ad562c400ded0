"""Areas, what became of them, who works for them and their codes, each with its days.

No extension is asked for: btree_gist would give equality of text in an exclusion constraint, but
an integer key as a range of one number does the same with what every server has.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE subject_key (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL UNIQUE
);

CREATE TABLE area (
    number integer NOT NULL REFERENCES subject_key,
    code text NOT NULL,
    level text NOT NULL,
    name_vi text NOT NULL,
    parent integer REFERENCES subject_key,
    origin text NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    PRIMARY KEY (number, valid_from),
    CHECK (valid_to IS NULL OR valid_from <= valid_to),
    CONSTRAINT area_stands_once EXCLUDE USING gist (
        int4range(number, number, '[]') WITH &&, daterange(valid_from, valid_to, '[]') WITH &&)
);

CREATE TABLE area_succession (
    old integer NOT NULL REFERENCES subject_key,
    new integer NOT NULL REFERENCES subject_key,
    effective date NOT NULL,
    PRIMARY KEY (old, new)
);

CREATE TABLE agency_area (
    agency integer NOT NULL REFERENCES subject_key,
    area integer NOT NULL REFERENCES subject_key,
    tier text NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    PRIMARY KEY (agency, valid_from),
    CONSTRAINT agency_in_one_area EXCLUDE USING gist (
        int4range(agency, agency, '[]') WITH &&, daterange(valid_from, valid_to, '[]') WITH &&)
);

CREATE TABLE operation_centre (
    id text NOT NULL,
    name_vi text NOT NULL,
    area integer NOT NULL REFERENCES subject_key,
    valid_from date NOT NULL,
    valid_to date,
    assumption text NOT NULL,
    PRIMARY KEY (id, area, valid_from),
    CONSTRAINT area_in_one_centre EXCLUDE USING gist (
        int4range(area, area, '[]') WITH &&, daterange(valid_from, valid_to, '[]') WITH &&)
);

CREATE TABLE subject_code (
    scheme text NOT NULL,
    code text NOT NULL,
    subject integer NOT NULL REFERENCES subject_key,
    valid_from date NOT NULL,
    valid_to date,
    PRIMARY KEY (scheme, code, subject, valid_from)
);
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute(
        "DROP TABLE subject_code, operation_centre, agency_area, area_succession, area, subject_key"
    )
