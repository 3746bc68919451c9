"""The same changes by our runner and by Alembic end in the same schema, up and down."""

from __future__ import annotations

import logging

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from course_lib.databases.migrations import Runner

OURS = {
    "0001_products.up.sql": (
        "CREATE TABLE products (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(80) NOT NULL);"
        "CREATE UNIQUE INDEX products_name ON products (name);"
    ),
    "0001_products.down.sql": "DROP TABLE products;",
    "0002_lines.up.sql": (
        "CREATE TABLE lines (id INTEGER NOT NULL PRIMARY KEY, quantity INTEGER NOT NULL,"
        " product INTEGER NOT NULL, CONSTRAINT lines_product FOREIGN KEY (product)"
        " REFERENCES products (id) ON DELETE RESTRICT,"
        " CONSTRAINT lines_quantity CHECK (quantity > 0));"
    ),
    "0002_lines.down.sql": "DROP TABLE lines;",
    "0003_price.up.sql": (
        "ALTER TABLE products ADD COLUMN price INTEGER NOT NULL DEFAULT 0;"
        "CREATE INDEX products_price ON products (price);"
    ),
    "0003_price.down.sql": ("DROP INDEX products_price; ALTER TABLE products DROP COLUMN price;"),
    "0004_title.up.sql": "ALTER TABLE products RENAME COLUMN name TO title;",
    "0004_title.down.sql": "ALTER TABLE products RENAME COLUMN title TO name;",
}

THEIRS = [
    (
        "op.create_table('products', sa.Column('id', sa.Integer, primary_key=True,"
        " autoincrement=False), sa.Column('name', sa.String(80), nullable=False))\n"
        "    op.create_index('products_name', 'products', ['name'], unique=True)",
        "op.drop_table('products')",
    ),
    (
        "op.create_table('lines', sa.Column('id', sa.Integer, primary_key=True,"
        " autoincrement=False), sa.Column('quantity', sa.Integer, nullable=False),"
        " sa.Column('product', sa.Integer, nullable=False),"
        " sa.ForeignKeyConstraint(['product'], ['products.id'], name='lines_product',"
        " ondelete='RESTRICT'), sa.CheckConstraint('quantity > 0', name='lines_quantity'))",
        "op.drop_table('lines')",
    ),
    (
        "op.add_column('products', sa.Column('price', sa.Integer, nullable=False,"
        " server_default='0'))\n"
        "    op.create_index('products_price', 'products', ['price'])",
        "op.drop_index('products_price')\n    op.drop_column('products', 'price')",
    ),
    (
        "op.alter_column('products', 'name', new_column_name='title')",
        "op.alter_column('products', 'title', new_column_name='name')",
    ),
]

ENVIRONMENT = """
from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
"""


def our_folder(folder):
    folder.mkdir()
    for name, text in OURS.items():
        (folder / name).write_text(text)
    return folder


def their_folder(folder):
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENVIRONMENT)
    for number, (up, down) in enumerate(THEIRS, start=1):
        before = f"'{number - 1}'" if number > 1 else None
        (folder / "versions" / f"{number}.py").write_text(
            f"import sqlalchemy as sa\nfrom alembic import op\n"
            f"revision = '{number}'\ndown_revision = {before}\n"
            f"def upgrade():\n    {up}\ndef downgrade():\n    {down}\n"
        )
    return folder


class Both:
    """Two empty databases of one kind, one for us and one for Alembic."""

    def __init__(self, engines, folder):
        self.ours, self.theirs = engines
        self.our_folder = our_folder(folder / "ours")
        self.config = Config()
        self.config.set_main_option("script_location", str(their_folder(folder / "theirs")))
        self.config.set_main_option("path_separator", "os")

    def go(self, target, *, up):
        raw = self.ours.raw_connection()
        runner = Runner(raw.driver_connection, self.our_folder)
        runner.up(target) if up else runner.down(target)
        raw.close()
        with self.theirs.connect() as connection:
            self.config.attributes["connection"] = connection
            move = command.upgrade if up else command.downgrade
            move(self.config, str(target) if target else "base")

    def schemas(self):
        return schema(self.ours), schema(self.theirs)


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request, tmp_path):
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if request.param == "sqlite":
        urls = [f"sqlite:///{tmp_path / name}" for name in ("ours.db", "theirs.db")]
        databases = []
    else:
        server = request.getfixturevalue("server")
        databases = [server.database(), server.database()]
        urls = [db.url.replace("postgresql://", "postgresql+psycopg://") for db in databases]
    engines = [sa.create_engine(url, poolclass=sa.NullPool) for url in urls]
    yield Both(engines, tmp_path)
    for database in databases:
        database.drop()


def schema(engine):
    """Tables, columns, indexes and rules as SQLAlchemy sees them, without the book-keeping."""
    inspector = sa.inspect(engine)
    names = set(inspector.get_table_names()) - {"schema_migrations", "alembic_version"}
    return {
        name: {
            "columns": [
                (c["name"], str(c["type"]), c["nullable"], default(c))
                for c in inspector.get_columns(name)
            ],
            "key": inspector.get_pk_constraint(name)["constrained_columns"],
            "indexes": sorted(
                (i["name"], i["column_names"], bool(i["unique"]))
                for i in inspector.get_indexes(name)
            ),
            "foreign keys": [
                (f["name"], f["constrained_columns"], f["referred_table"], f["options"])
                for f in inspector.get_foreign_keys(name)
            ],
            "checks": [
                (c["name"], c["sqltext"].strip("()")) for c in inspector.get_check_constraints(name)
            ],
        }
        for name in sorted(names)
    }


def default(column):
    return None if column["default"] is None else column["default"].strip("'")


@pytest.mark.parametrize("target", [1, 2, 3, 4])
def test_up_to_each_migration_the_schemas_are_the_same(both, target):
    both.go(target, up=True)

    ours, theirs = both.schemas()
    assert ours == theirs
    assert "products" in ours
    assert ("lines" in ours) is (target >= 2)


def test_after_going_back_the_schemas_are_the_same(both):
    both.go(4, up=True)
    for target in (3, 2, 1, 0):
        both.go(target, up=False)

        ours, theirs = both.schemas()
        assert ours == theirs
    assert ours == {}
