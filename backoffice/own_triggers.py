"""The audit's triggers on the back office's own tables.

Role `backoffice` owns these tables, so it could drop or disable the triggers (not those of the platform's tables, nor
what the audit has recorded). Nothing in the database holds against an owner: so start-up refuses to serve without one
of them, and data health tells it.
"""

from django.core import checks
from django.db.migrations.executor import MigrationExecutor

# pg_trigger.tgtype: after, for each row; of which deeds.
ALL, UPDATES = 29, 17
AUDITED = {
    "agents_label": ALL,
    "agents_labeluse": ALL,
    "agents_review": ALL,
    "agents_reviewnote": ALL,
    "agents_sample": ALL,
    "agents_settingchange": UPDATES,
    "backoffice_invitation": ALL,
    "backoffice_savedview": ALL,
    "backoffice_staffsession": UPDATES,
    "backoffice_user": ALL,
    "backoffice_user_groups": ALL,
    "mfa_authenticator": ALL,
    "socialaccount_socialaccount": ALL,
    "tenants_attentionitem": UPDATES,
    "tenants_care": ALL,
    "tenants_erasure": ALL,
    "tenants_note": ALL,
    "tenants_preview": ALL,
    "tenants_suspendednumber": ALL,
    "tenants_suspension": ALL,
}
UNRECORDED = """
select wanted.name
from unnest(%s::text[], %s::int[]) as wanted (name, deeds)
join pg_namespace n on n.nspname = 'backoffice'
join pg_class c on c.relname = wanted.name and c.relnamespace = n.oid
where not exists (
  select from pg_trigger t
  where t.tgrelid = c.oid and t.tgfoid = to_regproc('audit.record') and t.tgtype = wanted.deeds
    and t.tgenabled in ('O', 'A'))
order by 1
"""


def unrecorded(cursor):
    """Own tables whose changes the audit does not record as it should: the trigger is missing, another or disabled."""
    cursor.execute(UNRECORDED, [list(AUDITED), list(AUDITED.values())])
    return [name for (name,) in cursor.fetchall()]


def trigger_faults(connection):
    """Messages about them; none while migrations, which make them, are still to be run."""
    with connection.cursor() as cursor:
        tables = unrecorded(cursor)
    if not tables:
        return []
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return []
    return [
        checks.Error(
            f"The audit does not record the changes of {name}: its trigger is missing, another one or disabled.",
            hint=remedy(name),
            id="backoffice.E031",
        )
        for name in tables
    ]


def remedy(name):
    return (
        f"Find out who took it away. Then make it again as the migration of {name} does, or, if it is only disabled: "
        f"alter table backoffice.{name} enable trigger audit_record;"
    )
