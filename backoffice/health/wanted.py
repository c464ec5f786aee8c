"""What db/*.sql makes, as `wanted.json` records it: the one place with which a live database is compared.

The file is written from a database that was just built from db/*.sql, and a test holds it equal to such a one:

    python -m pytest backoffice/tests/test_health_wanted.py --update-wanted-schema
"""

import json
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "wanted.json"
# Roles whose rights db/*.sql states. Others, such as those that a provider brings, are only mentioned.
ROLES = ("PUBLIC", "anon", "authenticated", "backoffice", "service_role")


def record(catalog):
    """A Catalog of a database that was just built, as JSON can hold it."""
    return {
        "columns": catalog.columns,
        "defaults": catalog.defaults,
        "indexes": sorted(
            [table, name, definition, unique]
            for table, name, definition, unique, primary, *_ in catalog.indexes
            if not primary
        ),
        "foreign_keys": sorted([*key, how] for key, (how, _) in catalog.foreign_keys.items()),
        "policies": [[*key, policy] for key, policy in sorted(catalog.policies.items())],
        "row_security": sorted(table for table, (is_on, _) in catalog.row_security.items() if is_on),
        "grants": [
            [*key, {right: columns_of(columns) for right, columns in sorted(rights.items())}]
            for key, rights in sorted(catalog.grants.items())
        ],
        "triggers": sorted(
            [*key, function, kind]
            for key, (function, kind, _) in catalog.triggers.items()
            if not key[0].startswith("backoffice.")  # those of our own tables, which migrations make
        ),
        "functions": [[name, *facts] for name, facts in sorted(catalog.functions.items())],
    }


def columns_of(columns):
    """["*"] for the whole table, else the columns."""
    return ["*"] if None in columns else sorted(columns)


@cache
def wanted():
    return json.loads(FILE.read_text())


def write(catalog):
    """One line per object, so that a change reads well."""
    lines = []
    for part, content in record(catalog).items():
        if isinstance(content, dict):
            rows = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in content.items()]
            lines.append(f"{json.dumps(part)}: {{\n" + ",\n".join(rows) + "\n}")
        else:
            lines.append(f"{json.dumps(part)}: [\n" + ",\n".join(map(json.dumps, content)) + "\n]")
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
