"""Is the connection one that the back office may work with, and are the tables as the models describe them?

`manage.py check --database default` and `migrate` run all of it; start-up calls `refuse_bad_connection`.
Each message is a sentence that says what is wrong, with a hint that says what to change.
"""

import psycopg
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections

from backoffice.own_triggers import trigger_faults
from backoffice.postgresql.base import PREVIEW
from backoffice.replicas.checks import replica_faults
from backoffice.table_checks import platform_models, table_faults

SEARCH_PATH = ["backoffice", "public"]
POOLER_PROBES = 3
PRIVILEGED = "backoffice.E001"
MEMBER = "backoffice.E002"
# Of session_user: a role that was only set can be taken back.
LOGIN = """
select r.rolname, r.rolsuper, r.rolbypassrls, current_schemas(false)::text[], pg_is_in_recovery(),
       array(select m.rolname::text from pg_roles m
             where m.oid <> r.oid and pg_has_role(r.oid, m.oid, 'MEMBER')
               and (m.rolsuper or m.rolbypassrls or m.rolcreaterole
                    or m.rolname in ('service_role', 'authenticator', 'pg_read_all_data',
                                     'pg_write_all_data', 'pg_read_server_files',
                                     'pg_write_server_files', 'pg_execute_server_program'))
             order by 1)
from pg_roles r where r.rolname = session_user
"""
FUNCTIONS = {
    ("public", "post_credit"),
    ("audit", "begin_erasure"),
    ("audit", "close_organization"),
    ("audit", "closing_blockers"),
    ("audit", "delete_blockers"),
    ("audit", "delete_record"),
    ("audit", "end_erasure"),
    ("audit", "erase_json"),
    ("audit", "erase_rows"),
    ("audit", "find_login"),
    ("audit", "find_person"),
    ("audit", "log_read"),
    ("audit", "login_of_mail"),
    ("audit", "search_query"),
    ("audit", "search_text"),
    ("audit", "search_vector"),
    ("audit", "may_name"),
    ("audit", "person_ids"),
    ("audit", "person_logins"),
    ("audit", "person_pattern"),
    ("audit", "redact"),
    ("audit", "trunks_with_password"),
    ("transcripts", "chat_summary"),
    ("transcripts", "chat_turns"),
    ("transcripts", "session_summary"),
    ("transcripts", "session_turns"),
    ("figures", "day"),
    ("billing", "add_bulk_posting"),
    ("billing", "decide_bulk_posting"),
    ("billing", "erase_given"),
    ("billing", "adopt_change"),
    ("billing", "close_month"),
    ("billing", "month_problem"),
    ("billing", "organizations_to_close"),
    ("billing", "statement_content"),
    ("billing", "post_bulk_row"),
    ("billing", "posted_today"),
    ("billing", "withdraw_bulk_posting"),
    ("billing", "decide_request"),
    ("billing", "request_credit"),
    ("billing", "withdraw_request"),
    ("billing", "round_credits"),
    ("billing", "due_rows"),
    ("billing", "begin_settlement"),
    ("billing", "settle_rows"),
    ("billing", "finish_settlement"),
}


def refuse_bad_connection(alias="default"):
    """Raises ImproperlyConfigured with what to change, if this connection has rights or a pooler it must not have."""
    if faults := connection_faults(connections[alias]):
        raise ImproperlyConfigured("\n".join(f"{fault.msg} {fault.hint}" for fault in faults))


@checks.register(checks.Tags.database)
def check_database(app_configs=None, databases=None, **kwargs):
    faults = []
    for alias in databases or []:
        connection = connections[alias]
        if connection.vendor != "postgresql" or alias in settings.REPLICAS:
            continue
        try:
            if alias == PREVIEW:
                faults += preview_faults(connection)
                continue
            refused = connection_faults(connection)
            is_privileged = any(fault.id in (PRIVILEGED, MEMBER) for fault in refused)
            faults += refused
            faults += table_faults(connection, platform_models(), is_privileged=is_privileged)
            faults += function_faults(connection)
            faults += trigger_faults(connection)
        except (DatabaseError, psycopg.Error) as error:
            reason = " ".join(str(error).split())
            faults.append(
                checks.Error(
                    f"The database could not be checked: {reason}",
                    hint=f"Start it, or correct {'PREVIEW_' if alias == PREVIEW else ''}DATABASE_URL.",
                    id="backoffice.E010",
                )
            )
    if "default" in (databases or []):
        faults += [fault for alias in settings.REPLICAS for fault in replica_faults(alias)]
    return faults


def connection_faults(connection, *, setting="DATABASE_URL"):
    """Messages about the login role, the search path and a pooler in between; empty: the connection may be used."""
    faults = []
    with connection.cursor() as cursor:
        cursor.execute(LOGIN)
        role, is_super, bypasses, search_path, is_replica, memberships = cursor.fetchone()
    use_backoffice = f"Put role backoffice and its password into {setting} (README, Connecting to Supabase)."
    if is_super or bypasses:
        power = "is a superuser" if is_super else "has BYPASSRLS"
        faults.append(
            checks.Error(
                f"The database login {role} {power}: no grant and no policy would hold the back office back.",
                hint=use_backoffice,
                id=PRIVILEGED,
            )
        )
    if memberships and not is_super:
        names = ", ".join(memberships)
        faults.append(
            checks.Error(
                f"The database login {role} is a member of {names} and could take the rights of that role.",
                hint=f"Run: revoke {names} from {role};",
                id=MEMBER,
            )
        )
    if search_path != SEARCH_PATH:
        faults.append(
            checks.Error(
                f"The search_path is “{', '.join(search_path)}”, it has to be “{', '.join(SEARCH_PATH)}”.",
                hint="Run db/backoffice.sql if schema backoffice is missing or not its own; leave search_path out of "
                f"{setting}, and ENGINE at backoffice.postgresql, which sets it.",
                id="backoffice.E003",
            )
        )
    if is_replica and setting == "DATABASE_URL":
        faults.append(
            checks.Error(
                "The database is a read-only replica: nothing could be saved.",
                hint="Put the address of the primary into DATABASE_URL.",
                id="backoffice.E005",
            )
        )
    if has_transaction_pooler(connection):
        faults.append(
            checks.Error(
                "Between the back office and the database stands a pooler in transaction mode, which mixes up the "
                "sessions of different clients.",
                hint=f"Put the direct or the session-mode connection string into {setting} (at Supabase port 5432, "
                "not 6543).",
                id="backoffice.E004",
            )
        )
    return faults


def preview_faults(connection):
    """Messages about the login of the tenant's view: it has to be one that can do nothing but take a tenant's part."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select r.rolname, r.rolname = 'backoffice_preview' and not r.rolinherit
                and not (r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication),
              array(select m.rolname::text from pg_roles m
                    where m.oid <> r.oid and pg_has_role(r.oid, m.oid, 'MEMBER') order by 1),
              'default_transaction_read_only=on' = any (r.rolconfig),
              exists (select from pg_trigger where tgname = 'a_preview_only_reads'
                      and tgrelid = to_regclass('public.organizations') and tgenabled in ('O', 'A'))
            from pg_roles r where r.rolname = session_user
            """
        )
        role, is_plain, memberships, only_reads, is_guarded = cursor.fetchone()
    connection.close()
    again = (
        "Run db/preview.sql again as role postgres: it puts the role right, or says what it cannot put right."
    )
    wrong = []
    if not is_plain:
        wrong.append(
            f"The login {role} of the tenant's view is not role backoffice_preview as db/preview.sql makes it"
        )
    if memberships != ["authenticated"]:
        names = ", ".join(memberships) or "no role"
        wrong.append(
            f"The login {role} of the tenant's view is a member of {names}, not of authenticated alone"
        )
    if not only_reads:
        wrong.append(f"The login {role} of the tenant's view may open transactions that write")
    if not is_guarded:
        wrong.append("The tables do not refuse what the login of the tenant's view writes")
    return [checks.Error(f"{text}.", hint=again, id="backoffice.E030") for text in wrong]


def has_transaction_pooler(connection):
    """Whether clients share server connections, found out by two clients of our own.

    A server process serves one session until it ends. A pooler in transaction mode gives it to whoever has the next
    transaction: then two clients meet the same process, or one client meets another while the first one is taken.
    """
    params = connection.get_connection_params()
    host, port = str(params.get("host") or ""), str(params.get("port") or "")
    if port == "6543" and host.endswith((".supabase.com", ".supabase.co")):
        return True

    def process(client):
        return client.execute("select pg_backend_pid()").fetchone()[0]

    def connect():
        # Without preparing, which older poolers do not bear.
        return psycopg.connect(**{**params, "autocommit": True, "prepare_threshold": None})

    with connect() as first, connect() as second:
        for _ in range(POOLER_PROBES):
            before = process(first)
            try:
                with second.transaction():
                    if process(second) == before or process(first) != before:
                        return True
            except psycopg.errors.ProtocolViolation:  # statement mode: it refuses the transaction
                return True
    return False


def function_faults(connection):
    """Messages about functions of the database that are missing or not ours to call."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select n.nspname, p.proname
            from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            where (n.nspname::text, p.proname::text) in (select * from unnest(%s::text[], %s::text[]))
              and has_schema_privilege(n.oid, 'USAGE') and has_function_privilege(p.oid, 'EXECUTE')
            """,
            [[schema for schema, _ in FUNCTIONS], [name for _, name in FUNCTIONS]],
        )
        callable_ones = set(cursor.fetchall())
    return [
        checks.Error(
            f"Function {schema}.{name} is missing, or the back office may not call it.",
            hint="Run the files of db/ again as role postgres: README, Connect it to Supabase.",
            id="backoffice.E019",
        )
        for schema, name in sorted(FUNCTIONS - callable_ones)
    ]
