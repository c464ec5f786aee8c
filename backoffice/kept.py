"""Statements of the ORM that are kept: for most of them it takes longer to put them together than to answer them.

For what a page asks over and over, each time with other values in the same places. What is `planned` has a plan that
does not depend on these values: PostgreSQL makes it once, too (prepared_cursor()).
"""

from uuid import UUID

from django.db import connections, router
from django.db.models.query import get_related_populators

KEPT = {}
MOST = 500  # readers choose columns, and each choice is a statement of its own; beyond that many all are made anew
# Values that nobody has, by which the places of the real ones are found.
STAND_INS = {
    UUID: lambda n: UUID(int=0x5CA1AB1E << 96 | n),
    str: lambda n: f"{0x5CA1AB1E << 32 | n}",
    int: lambda n: 0x5CA1AB1E << 24 | n,
}


def rows(shape, build, *values, planned=True):
    """The rows of `build(*values)`, a queryset, as a list.

    `shape` names all that its SQL depends on but for these values, each a UUID, a text or a whole number that stands in
    it as it is. `build` is called once, with others of their kind.
    """
    return kept_as(KeptRows, shape, build, values, planned).rows(values)


def count(shape, build, *values):
    """How many rows `build(*values)`, a queryset as of rows(), finds; counting stops where it is sliced."""
    return kept_as(KeptCount, shape, build, values, planned=True).number(values)


def kept_as(kind, shape, build, values, planned):
    kept = KEPT.get((kind, shape))
    if kept is None:
        if len(KEPT) >= MOST:
            KEPT.clear()
        kept = KEPT[kind, shape] = kind(build, [type(value) for value in values], planned)
    return kept


class KeptStatement:
    """The statement of a queryset: `sql`, text but for the values, and `places`, the numbers of the values in it."""

    def __init__(self, build, types, planned):
        self.planned = planned
        stand_ins = [STAND_INS[kind](n) for n, kind in enumerate(types)]
        queryset = build(*stand_ins)
        if queryset._prefetch_related_lookups or queryset._known_related_objects or queryset._db:
            raise ValueError("A kept queryset neither reads nor is given other rows, and names no database.")
        self.model = queryset.model
        self.compiler = queryset.query.get_compiler(queryset.db)
        sql, params = self.compiler.as_sql()
        self.places = [stand_ins.index(one) for one in params if one in stand_ins]
        compose = connections[queryset.db].ops.compose_sql
        written = ["%s" if one in stand_ins else compose("%s", [one]).replace("%", "%%") for one in params]
        self.sql = sql.replace("%%", "%%%%") % tuple(written)
        if {*self.places} != {*range(len(types))}:
            raise ValueError(f"Not each of the values is in the statement: {self.sql}")

    def found(self, connection, values):
        """The rows for these values, as tuples."""
        with connection.prepared_cursor() if self.planned else connection.cursor() as cursor:
            cursor.execute(self.sql, [values[number] for number in self.places])
            return cursor.fetchall()


class KeptCount(KeptStatement):
    """How many rows a queryset has."""

    def __init__(self, *how):
        super().__init__(*how)
        self.sql = f"select count(*) from ({self.sql}) counted"

    def number(self, values):
        ((number,),) = self.found(connections[router.db_for_read(self.model)], values)
        return number


class KeptRows(KeptStatement):
    """Model rows, and how they are made of what the statement finds."""

    def __init__(self, *how):
        super().__init__(*how)
        compiler = self.compiler
        self.select, self.classes = compiler.select, compiler.klass_info
        self.annotations = list((compiler.annotation_col_map or {}).items())
        self.converters = compiler.get_converters([column for column, *_ in self.select])
        first, last = self.classes["select_fields"][0], self.classes["select_fields"][-1]
        self.own = slice(first, last + 1)
        self.names = [column.target.attname for column, *_ in self.select[self.own]]
        self.populators = {}  # {alias of the database: what makes the rows that are read along}

    def rows(self, values):
        alias = router.db_for_read(self.model)
        connection = connections[alias]
        found = self.found(connection, values)
        if self.converters:
            found = [self.converted(row, connection) for row in found]
        if alias not in self.populators:
            self.populators[alias] = get_related_populators(self.classes, self.select, alias)
        populators = self.populators[alias]
        rows = []
        for values_of_row in found:
            row = self.model.from_db(alias, self.names, values_of_row[self.own])
            for populator in populators:
                populator.populate(values_of_row, row)
            for name, place in self.annotations:
                setattr(row, name, values_of_row[place])
            rows.append(row)
        return rows

    def converted(self, row, connection):
        row = list(row)
        for place, (converters, expression) in self.converters.items():
            for convert in converters:
                row[place] = convert(row[place], expression, connection)
        return row
