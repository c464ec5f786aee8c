import json

from psycopg.rows import tuple_row

from backoffice.health import wanted
from backoffice.health.catalog import Catalog
from backoffice.health.indexes import missing_indexes
from backoffice.health.rights import rights_findings


def test_every_version_of_postgresql_tells_the_same_of_our_schema(fresh):
    """Else the data-health page would find differences that are none."""
    with fresh.connect("backoffice") as connection, connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute("set search_path = backoffice, public")
        made = json.loads(json.dumps(wanted.record(Catalog(cursor))))
    assert made == json.loads(wanted.FILE.read_text())


def test_an_upgraded_database_has_the_rights_and_indexes_of_a_new_one(upgraded):
    with upgraded.connect("backoffice") as connection, connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute("set search_path = backoffice, public")
        catalog = Catalog(cursor)
        assert [finding.text for finding in rights_findings(catalog) if finding.level != "info"] == []
        assert missing_indexes(catalog) == []


def test_an_older_database_is_told_what_it_lacks(make):
    """Before the upgrade: what a page would say, had the back office been there."""
    with make("older").connect("postgres") as connection, connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute("set search_path = backoffice, public")
        catalog = Catalog(cursor)
        texts = " ".join(finding.text for finding in rights_findings(catalog))
        assert "is not ours and lets" in texts and "permissive policies add up" in texts
        assert {missing.table for missing in missing_indexes(catalog)} >= {
            "public.agents",
            "public.usage_logs",
            "public.call_logs",
        }
