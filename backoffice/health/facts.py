"""One sentence on how a section stands, also where nothing was found."""

from functools import cache

from django.db import connection

from backoffice import schema
from backoffice.health.wanted import wanted
from backoffice.models import HealthFinding

RIGHTS = """
select count(*) filter (where c.relrowsecurity), count(*),
  (select count(*) from pg_policy p where p.polrelid = any (array_agg(c.oid)))
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname || '.' || c.relname = any (%s)
"""

# Read once: the files change with a new version only.
sql_fingerprint = cache(schema.fingerprint)


def fact_of(section):
    """ "" for sections of which their findings say everything."""
    if section == "schema":
        major, minor = divmod(connection.pg_version, 10000)
        return (
            f"PostgreSQL {major}.{minor}. {len(wanted()['columns'])} tables, {len(wanted()['functions'])} functions "
            f"and {len(wanted()['triggers'])} triggers are compared with db/*.sql of version {sql_fingerprint()[:12]}."
        )
    if section == "rights":
        with connection.cursor() as cursor:
            cursor.execute(RIGHTS, [wanted()["row_security"]])
            on, tables, policies = cursor.fetchone()
        return (
            f"{on} of the {len(wanted()['row_security'])} tables that should have row level security have it on "
            f"({tables} exist), with {policies} policies; db/*.sql makes {len(wanted()['policies'])}."
        )
    if section == "indexes":
        missing = HealthFinding.objects.filter(section="indexes", rule="index_missing").count()
        wished = len(wanted()["indexes"])
        return f"{wished - missing} of the {wished} indexes that pages need are there."
    return ""
