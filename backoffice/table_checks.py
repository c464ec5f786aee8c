"""Compares the models with the tables of the live database, and the role's rights with what it should have.

Part of the system check in `backoffice.checks`. Extra columns are only mentioned: the platform may have them.
"""

from collections import defaultdict
from typing import NamedTuple

from django.apps import apps
from django.core import checks

from backoffice.page_model import PageModel

# What role backoffice may write, as granted by db/backoffice.sql and db/billing.sql; everything else it may not. Rows
# are inserted whole.
INSERTS = {"organizations", "user_profiles", "agents", "sip_trunks", "phone_numbers", "price"}
UPDATES = {
    "organizations": {"name", "owner_id"},
    "user_profiles": {
        "email",
        "full_name",
        "company_name",
        "phone_number",
        "avatar_url",
        "subscription_tier",
        "stripe_customer_id",
        "stripe_subscription_id",
    },
    "sip_trunks": {"organization_id", "provider", "username", "password", "sip_domain"},
    "phone_numbers": {"organization_id", "agent_id", "phone_number", "provider", "provider_sid", "status"},
    "agent_sessions": {"status", "ended_at"},
    "call_logs": {"duration_seconds", "cost", "status"},
    "credit_limit": {"per_posting", "per_day"},
    "price": {"model", "valid_from", "usd_per_1000"},
}
NOT_UPDATED = {"agents": {"id", "organization_id", "created_at", "updated_at"}}  # all other columns are
WRITE_ONLY = {("sip_trunks", "password")}  # in no model, so that no query can read it
TYPES = {
    "UUIDField": "uuid",
    "CharField": "text",
    "TextField": "text",
    "IntegerField": "integer",
    "BigIntegerField": "integer",
    "BigAutoField": "integer",
    "DecimalField": "numeric",
    "BooleanField": "boolean",
    "DateField": "date",
    "DateTimeField": "timestamp with time zone",
    "JSONField": "jsonb",
}
# Types that Django and the database exchange without loss count as one.
FAMILIES = {"character varying": "text", "character": "text", "smallint": "integer", "bigint": "integer"}

GRANT_HINT = "Run db/backoffice.sql and db/billing.sql again as role postgres."


def platform_models():
    """The models whose tables belong to db/*.sql. Those of other packages are theirs to check."""
    return [m for m in apps.get_models() if issubclass(m, PageModel) and not m._meta.managed]


def may_write(table, column):
    """Whether role backoffice may write this column of a table of the platform or of billing."""
    if table in NOT_UPDATED:
        return column not in NOT_UPDATED[table]
    return column in UPDATES.get(table, ())


def location(model):
    """(schema, table) of a model; `db_table` is a plain name in public, or written as `"schema"."table"`."""
    schema, _, table = model._meta.db_table.strip('"').rpartition('"."')
    return schema or "public", table


class Table(NamedTuple):
    """A table or view as the database has it, and what the role of the connection may do with it."""

    schema: str
    name: str
    oid: int
    is_table: bool
    has_rls: bool
    role: str
    is_owned: bool
    is_readable: bool  # through some policy
    is_reachable: bool  # through its schema
    is_hidden: bool  # by one of the same name in schema backoffice
    excess: list[str]  # rights on the whole table that nobody here needs


class Column(NamedTuple):
    table: int
    name: str
    type_name: str  # without length
    full_type: str
    is_required: bool
    is_filled: bool  # has a default
    width: int | None  # of a varchar
    may_select: bool
    may_insert: bool
    may_update: bool


def read_tables(connection, places):
    """{(schema, table): (Table, {column: Column})} of those that exist, in two queries."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select n.nspname, c.relname, c.oid, c.relkind in ('r', 'p'), c.relrowsecurity, current_user::text,
                   pg_has_role(c.relowner, 'MEMBER'),
                   not c.relrowsecurity or exists (
                     select from pg_policy p where p.polrelid = c.oid and p.polpermissive and p.polcmd in ('r', '*')
                       and exists (select from unnest(p.polroles) as r (oid)
                                   where r.oid = 0 or pg_has_role(r.oid, 'USAGE'))),
                   has_schema_privilege(n.oid, 'USAGE'),
                   exists (select from pg_class own join pg_namespace s on s.oid = own.relnamespace
                           where s.nspname = 'backoffice' and n.nspname = 'public' and own.relname = c.relname),
                   array(select word from unnest(array['delete', 'truncate', 'trigger']) as word
                         where has_table_privilege(c.oid, word))
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where (n.nspname::text, c.relname::text) in (select * from unnest(%s::text[], %s::text[]))
            """,
            [[schema for schema, _ in places], [name for _, name in places]],
        )
        tables = {row[2]: (Table(*row), {}) for row in cursor.fetchall()}
        cursor.execute(
            """
            select a.attrelid, a.attname, format_type(base.oid, null), format_type(base.oid, a.atttypmod),
                   a.attnotnull, a.atthasdef or a.attidentity <> '',
                   case when base.oid = 'varchar'::regtype and a.atttypmod > 4 then a.atttypmod - 4 end,
                   has_column_privilege(a.attrelid, a.attnum, 'SELECT'),
                   has_column_privilege(a.attrelid, a.attnum, 'INSERT'),
                   has_column_privilege(a.attrelid, a.attnum, 'UPDATE')
            from pg_attribute a
            join pg_type t on t.oid = a.atttypid
            join pg_type base on base.oid = case t.typtype when 'd' then t.typbasetype else t.oid end
            where a.attrelid = any (%s::oid[]) and a.attnum > 0 and not a.attisdropped
            order by a.attname
            """,
            [list(tables)],
        )
        for column in map(Column._make, cursor.fetchall()):
            tables[column.table][1][column.name] = column
    return {(table.schema, table.name): (table, columns) for table, columns in tables.values()}


def table_faults(connection, models, *, is_privileged=False):
    """Messages about every difference between models and tables, in two queries however many there are.

    Of a privileged role nothing is said about rights: it has them all.
    """
    places = {location(model): model for model in models}
    found = read_tables(connection, places)
    faults = []
    for place, model in places.items():
        report = Report(model, ".".join(place).removeprefix("public."))
        if place not in found:
            report.add("E011", f"Table {report.table} is missing.", run_again(place))
        else:
            table, columns = found[place]
            compare_columns(report, table, columns)
            if table.is_hidden:
                report.add(
                    "E020",
                    f"Table backoffice.{table.name} hides {report.table}: it stands first in the search path.",
                    f"Rename or drop backoffice.{table.name}.",
                )
            if table.is_table and not table.has_rls:
                report.add("E016", f"Row level security is off for table {report.table}.", run_again(place))
            if not is_privileged:
                compare_rights(report, table, columns)
        faults += report.messages
    return faults


class Report:
    """Collects the messages about one model."""

    def __init__(self, model, table):
        self.model = model
        self.table = table
        self.messages = []

    def add(self, code, text, hint, kind=checks.Error):
        self.messages.append(kind(text, hint=hint, obj=self.model, id=f"backoffice.{code}"))


def run_again(place):
    files = {"audit": "db/backoffice.sql", "billing": "db/billing.sql"}
    sql_file = files.get(place[0], "db/master_schema.sql, db/backoffice.sql and db/billing.sql")
    return f"Run {sql_file} as role postgres."


def compare_columns(report, table, columns):
    mapped = {field.column: field for field in report.model._meta.concrete_fields}
    if missing := sorted(set(mapped) - set(columns)):
        report.add(
            "E012",
            f"Table {report.table} has no column {', '.join(missing)}.",
            run_again((table.schema, table.name)),
        )
    for name in sorted(set(mapped) & set(columns)):
        compare_column(report, table, columns[name], mapped[name])
    extra = [
        column
        for name, column in columns.items()
        if name not in mapped and (table.name, name) not in WRITE_ONLY
    ]
    if extra:
        names = ", ".join(column.name for column in extra)
        report.add(
            "I001",
            f"Table {report.table} has columns that the back office does not know and leaves alone: {names}.",
            None,
            checks.Info,
        )
    blocking = [column.name for column in extra if column.is_required and not column.is_filled]
    if blocking and table.name in INSERTS:
        report.add(
            "W011",
            f"Table {report.table} demands a value for {', '.join(blocking)}, which the back office does not "
            "know: adding a row here will fail.",
            f"Give it a default: alter table {report.table} alter {blocking[0]} set default …;",
            checks.Warning,
        )


def compare_column(report, table, column, field):
    name = f"{report.table}.{column.name}"
    expected = TYPES[(field.target_field if field.is_relation else field).get_internal_type()]
    if FAMILIES.get(column.type_name, column.type_name) != expected:
        report.add(
            "E013",
            f"Column {name} is of type {column.full_type}, the back office expects {expected}.",
            "Change the type in the database, or the field if the platform has changed.",
        )
    elif column.width and field.max_length and column.width < field.max_length:
        report.add(
            "W012",
            f"Column {name} takes {column.width} characters, the back office offers {field.max_length}: "
            "the database will refuse longer text.",
            None,
            checks.Warning,
        )
    if table.is_table and not column.is_required and not field.null:
        report.add(
            "E014",
            f"Column {name} may be NULL, the back office expects that it never is.",
            f"Fill it where it is NULL, then: alter table {report.table} alter {column.name} set not null;",
        )


def compare_rights(report, table, columns):
    """What the role lacks, or has and should not, on one table."""
    if table.is_owned:
        report.add(
            "E018",
            f"Role {table.role} owns table {report.table}, so that policies do not hold it back.",
            f"Run: alter table {table.schema}.{table.name} owner to postgres;",
        )
        return
    if not table.is_reachable:
        report.add("E015", f"Role {table.role} has no right to use schema {table.schema}.", GRANT_HINT)
    if not table.is_readable:
        report.add(
            "E017",
            f"No policy lets role {table.role} see rows of table {report.table}: its pages would be empty.",
            GRANT_HINT,
        )
    mapped = {field.column for field in report.model._meta.concrete_fields}
    write_only = {column for owner, column in WRITE_ONLY if owner == table.name}
    insertable = mapped | write_only if table.name in INSERTS else set()
    updatable = (
        mapped - NOT_UPDATED[table.name] if table.name in NOT_UPDATED else UPDATES.get(table.name, set())
    )
    lacking = defaultdict(list)
    too_much = list(table.excess)
    for name, column in columns.items():
        for verb, is_allowed, is_wanted in (
            ("select", column.may_select, name in mapped),
            ("insert", column.may_insert, name in insertable),
            ("update", column.may_update, name in updatable),
        ):
            if is_wanted and not is_allowed:
                lacking[verb].append(name)
            # To read a column that the models do not know does no harm, unless nobody may read it.
            elif is_allowed and not is_wanted and (verb != "select" or name in write_only):
                too_much.append(f"{verb} {name}")
    if lacking:
        rights = "; ".join(f"{verb} on {', '.join(names)}" for verb, names in lacking.items())
        report.add("E015", f"Role {table.role} lacks rights on table {report.table}: {rights}.", GRANT_HINT)
    if too_much:
        report.add(
            "E018",
            f"Role {table.role} has rights on table {report.table} that it should not have: {', '.join(too_much)}.",
            f"{GRANT_HINT} If they come through PUBLIC, revoke them there.",
        )
