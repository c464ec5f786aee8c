"""Tables, columns, foreign keys, functions and triggers: what the live database has otherwise than db/*.sql.

What the system check knows (`backoffice.table_checks`) is taken from it; the rest is compared with the record.
"""

from django.core import checks
from django.db import connection

from backoffice.checks import function_faults
from backoffice.health.findings import BAD, INFO, WARN, Finding
from backoffice.health.wanted import wanted
from backoffice.own_triggers import remedy, unrecorded
from backoffice.table_checks import location, platform_models, table_faults

# Messages of the system check that are about rights, by their number.
ABOUT_RIGHTS = {f"backoffice.{code}" for code in ("E015", "E016", "E017", "E018")}
RERUN = "Run manage.py platform_schema (or the files of db/ in the SQL editor, as role postgres)."
DELETES = {"c": "cascade", "n": "set null", "a": "no action", "r": "restrict", "d": "set default"}
FIRES = ("O", "A")
OLDEST, NEWEST = 15, 18


def level_of(message):
    if message.level >= checks.ERROR:
        return BAD
    return WARN if message.level >= checks.WARNING else INFO


def system_findings():
    """Messages of the system check about models and tables, as findings of two sections."""
    for message in [*table_faults(connection, platform_models()), *function_faults(connection)]:
        section = "rights" if message.id in ABOUT_RIGHTS else "schema"
        subject = ".".join(location(message.obj)) if message.obj else message.msg.split()[1]
        code = message.id.removeprefix("backoffice.")
        yield Finding(
            section,
            f"check_{code}",
            f"{subject}: {message.msg}",
            level_of(message),
            message.msg,
            message.hint or "",
        )


def schema_findings(catalog):
    """Everything of the section but what the system check says."""
    yield from missing_tables(catalog)
    yield from foreign_key_findings(catalog)
    yield from trigger_findings(catalog)
    yield from own_trigger_findings(catalog)
    yield from function_findings(catalog)
    yield from version_findings()


def mapped_tables():
    """The tables that the system check compares with a model."""
    return {".".join(location(model)) for model in platform_models()}


def missing_tables(catalog):
    """Of tables that no model maps, which the system check does not look at."""
    mapped = mapped_tables()
    for table, columns in wanted()["columns"].items():
        if table in mapped:
            continue
        if table not in catalog.columns:
            yield Finding("schema", "table_missing", table, BAD, f"Table {table} is missing.", RERUN)
            continue
        for column, kind in columns.items():
            found = catalog.columns[table].get(column)
            if found is None:
                text = f"Table {table} has no column {column}."
                yield Finding("schema", "column_missing", f"{table}.{column}", BAD, text, RERUN)
            elif found != kind:
                text = f"Column {table}.{column} is of type {found}; db/*.sql makes it {kind}."
                yield Finding("schema", "column_type", f"{table}.{column}", BAD, text)


def foreign_key_findings(catalog):
    for table, column, parent, how in wanted()["foreign_keys"]:
        if column not in catalog.columns.get(table, ()):
            continue  # that is said already
        name = f"{table}.{column}"
        found = catalog.foreign_keys.get((table, column, parent))
        add = (
            f"alter table {table} add foreign key ({column}) references {parent} (id) on delete {DELETES[how]} "
            "not valid; then, when its orphans are mended, validate it."
        )
        if found is None:
            text = f"Nothing ties {name} to {parent}: without a foreign key, rows may point at what does not exist."
            yield Finding("schema", "foreign_key_missing", name, WARN, text, add)
        elif not found[1]:
            text = f"The foreign key of {name} was never checked for the rows that were there before it."
            remedy = "Mend the orphans, then: alter table … validate constraint …;"
            yield Finding("schema", "foreign_key_unchecked", name, WARN, text, remedy)
        elif found[0] != how:
            text = f"Deleting from {parent} does “{DELETES[found[0]]}” to {table}; db/*.sql has “{DELETES[how]}”."
            yield Finding("schema", "foreign_key_action", name, WARN, text)


def trigger_findings(catalog):
    meaning = {
        "audit": "Changes are not recorded as long as it is so.",
        "record_credit": "Balances change without a row in the ledger as long as it is so.",
        "refuse_ledger": "Rows of the ledger can be changed as long as it is so.",
        "transcripts": "The index of conversations misses changes until the comparison of the night.",
        "on_auth_user": "Who signs up gets no profile and no organization.",
    }

    def consequence(name):
        return next((text for start, text in meaning.items() if name.startswith(start)), "")

    known = {(table, name): (function, kind) for table, name, function, kind in wanted()["triggers"]}
    for (table, name), (function, kind) in known.items():
        found = catalog.triggers.get((table, name))
        subject = f"{name} on {table}"
        if found is None:
            text = f"Trigger {subject} is missing. {consequence(name)}".strip()
            yield Finding("schema", "trigger_missing", subject, BAD, text, RERUN)
        elif found[:2] != (function, kind):
            text = (
                f"Trigger {subject} is not ours: it calls {found[0]}, or at other events. {consequence(name)}"
            )
            yield Finding("schema", "trigger_other", subject, BAD, text.strip(), RERUN)
    for (table, name), (_, _, enabled) in catalog.triggers.items():
        if enabled not in FIRES:
            how = "fires on replicas only" if enabled == "R" else "is disabled"
            text = f"Trigger {name} on {table} {how}. {consequence(name)}".strip()
            remedy = f"alter table {table} enable trigger {name};"
            yield Finding("schema", "trigger_disabled", f"{name} on {table}", BAD, text, remedy)


def own_trigger_findings(catalog):
    """On the back office's own tables, which its role could take away."""
    for table in unrecorded(catalog.cursor):
        text = f"The audit does not record the changes of backoffice.{table}: its trigger is missing or disabled."
        yield Finding("schema", "own_trigger", f"backoffice.{table}", BAD, text, remedy(table))


def function_findings(catalog):
    for name, text, definer, settings, _ in wanted()["functions"]:
        found = catalog.functions.get(name)
        if found is None:
            yield Finding("schema", "function_missing", name, BAD, f"Function {name} is missing.", RERUN)
            continue
        if found[0] != text:
            said = f"Function {name} is another version than db/*.sql of this back office: its text differs."
            yield Finding("schema", "function_version", name, WARN, said, RERUN)
        if definer and found[2] != settings:
            said = f"Function {name} runs with its owner's rights and its search_path is not pinned as in db/*.sql."
            yield Finding("schema", "function_settings", name, BAD, said, RERUN)


def version_findings():
    major = connection.pg_version // 10000
    if not OLDEST <= major <= NEWEST:
        text = (
            f"PostgreSQL {major} is not among the versions that db/*.sql is tested on ({OLDEST} to {NEWEST})."
        )
        yield Finding("schema", "postgresql_version", str(major), INFO, text)
