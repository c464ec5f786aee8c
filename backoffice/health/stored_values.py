"""What the database does to values on their way in, otherwise than db/*.sql: digits, defaults, the time zone."""

import re

from backoffice.health.findings import BAD, INFO, WARN, Finding
from backoffice.health.schema_differences import RERUN, mapped_tables
from backoffice.health.wanted import wanted

NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")
UTC = {
    "utc",
    "etc/utc",
    "uct",
    "etc/uct",
    "gmt",
    "etc/gmt",
    "zulu",
    "etc/zulu",
    "universal",
    "etc/universal",
    "0",
}


def value_findings(catalog):
    yield from digits_findings(catalog)
    yield from default_findings(catalog)
    yield from time_zone_findings(catalog)


def digits_findings(catalog):
    """Amounts whose column keeps other digits, of tables whose models say "numeric" alone."""
    for table in sorted(mapped_tables() & wanted()["columns"].keys()):
        for column, kind in wanted()["columns"][table].items():
            found = catalog.columns.get(table, {}).get(column, "")
            meant, kept = NUMERIC.fullmatch(kind), NUMERIC.fullmatch(found)
            if not meant or found == kind or not (kept or found == "numeric"):
                continue
            name = f"{table}.{column}"
            text = f"Column {name} is {found}; db/*.sql makes it {kind}."
            level = BAD if kept and is_narrower(kept, meant) else INFO
            if level == BAD:
                text += " Amounts are rounded as they come in, or refused."
            remedy = f"alter table {table} alter column {column} type {kind};"
            yield Finding("schema", "column_digits", name, level, text, remedy)


def is_narrower(kept, meant):
    """Whether fewer digits than meant are kept, before the point or behind it."""
    (digits, places), (wished, wished_places) = (map(int, match.groups()) for match in (kept, meant))
    return places < wished_places or digits - places < wished - wished_places


def default_findings(catalog):
    for table, columns in wanted()["defaults"].items():
        there = catalog.columns.get(table, {})
        for column in columns:
            if column not in there or column in catalog.defaults.get(table, ()):
                continue
            text = (
                f"Column {table}.{column} has lost its default: rows that the platform adds do not fill it."
            )
            yield Finding("schema", "default_missing", f"{table}.{column}", WARN, text, RERUN)


def time_zone_findings(catalog):
    """The platform writes times without a zone and means UTC. Role backoffice says so with each connection."""
    for role, zone in catalog.time_zones:
        if role == "backoffice" or zone.strip("'\"").lower() in UTC:
            continue
        whose = f"Role {role} begins" if role else "Connections begin"
        text = (
            f"{whose} in time zone {zone}. The platform writes times without a zone and means UTC: they are stored "
            "hours off."
        )
        remedy = f"alter role {role} reset timezone;" if role else "alter database … set timezone = 'UTC';"
        yield Finding("schema", "time_zone", role or "", BAD, text, f"{remedy} Then restart the platform.")
