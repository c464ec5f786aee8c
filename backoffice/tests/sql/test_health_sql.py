import json

from psycopg.rows import tuple_row

from backoffice.health import wanted
from backoffice.health.catalog import Catalog


def test_every_version_of_postgresql_tells_the_same_of_our_schema(fresh):
    """Else the data-health page would find differences that are none."""
    with fresh.connect("backoffice") as connection, connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute("set search_path = backoffice, public")
        made = json.loads(json.dumps(wanted.record(Catalog(cursor))))
    assert made == json.loads(wanted.FILE.read_text())
