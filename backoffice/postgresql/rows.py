"""Rows of models by a statement of one's own, where every request asks for one."""

from django.db import connection


def first_row(model, statement, params):
    """The `model` of the first row that a statement finds on the primary, None without one.

    The statement gives every column of the model; what else it gives are attributes of the row. As
    `model.objects.raw()`, which takes six times as long to put a row together.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        values = cursor.fetchone()
        if values is None:
            return None
        found = dict(zip([column.name for column in cursor.description], values, strict=True))
    fields = model._meta.concrete_fields
    row = model.from_db(
        connection.alias, [field.attname for field in fields], [found.pop(field.column) for field in fields]
    )
    for name, value in found.items():
        setattr(row, name, value)
    return row
