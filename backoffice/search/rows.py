"""The statement for the rows of a kind, with what names them and whose they are; and rows of what it found.

SQL whose text is put together once for each kind: the ORM takes longer to compile such a statement than PostgreSQL to
answer it, and a search has one for every kind that it found.
"""

from dataclasses import dataclass
from functools import cache

from django.db import models


@dataclass(frozen=True)
class Part:
    """The columns of one model in a statement. `relation` leads to it from the part number `parent`."""

    model: type
    fields: list
    relation: object = None
    parent: int = 0


@cache
def statement(model, columns, joined):
    """(SQL of the rows whose keys are in one array, its Parts). Paths of columns and relations are as for only() and
    select_related(). No column may need converting: plain ones do not.
    """
    paths = [()]
    for path in joined:
        steps = tuple(path.split("__"))
        paths += [steps[:n] for n in range(1, len(steps) + 1) if steps[:n] not in paths]
    parts = []
    for path in paths:
        parent = paths.index(path[:-1]) if path else 0
        relation = parts[parent].model._meta.get_field(path[-1]) if path else None
        of = relation.related_model if path else model
        named = {tuple(column.split("__")) for column in columns} | set(paths)
        read = [
            field for field in of._meta.concrete_fields if field.primary_key or (*path, field.name) in named
        ]
        parts.append(Part(of, read, relation, parent))
    names = [f't{n}."{field.column}"' for n, part in enumerate(parts) for field in part.fields]
    tables = [f"{table_of(model)} t0"]
    for n, part in enumerate(parts[1:], start=1):
        key = part.model._meta.pk.column
        tables.append(
            f'left join {table_of(part.model)} t{n} on t{n}."{key}" = t{part.parent}."{part.relation.column}"'
        )
    key = model._meta.pk
    keys = "uuid[]" if isinstance(key, models.UUIDField) else "bigint[]"
    sql = f'select {", ".join(names)} from {" ".join(tables)} where t0."{key.column}" = any(%s::{keys})'
    return sql, parts


def table_of(model):
    name = model._meta.db_table
    return name if '"' in name else f'"{name}"'


def row_of(parts, values, alias):
    """The row of the first of the Parts, with those that it leads to."""
    made, at = [], 0
    for part in parts:
        names = [field.attname for field in part.fields]
        own = values[at : at + len(names)]
        at += len(names)
        row = part.model.from_db(alias, names, own) if own[names.index(part.model._meta.pk.attname)] else None
        if part.relation and (holder := made[part.parent]) is not None:
            part.relation.set_cached_value(holder, row)
        made.append(row)
    return made[0]
