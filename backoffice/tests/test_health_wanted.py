"""The record of db/*.sql with which live databases are compared."""

import json

from django.db import connection

from backoffice.health import wanted
from backoffice.health.catalog import Catalog


def test_the_record_is_what_the_sql_files_make(db, request):
    with connection.cursor() as cursor:
        catalog = Catalog(cursor)
        if request.config.getoption("--update-wanted-schema"):
            wanted.write(catalog)
        made = json.loads(json.dumps(wanted.record(catalog)))
    assert made == json.loads(wanted.FILE.read_text()), (
        "db/*.sql changed: run this test with --update-wanted-schema and read the difference."
    )
