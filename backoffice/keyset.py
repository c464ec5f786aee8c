"""Paging by key instead of by number: the thousandth page costs as much as the first, and no row is counted to find it.

A list is read in one of a few named orders, each with an index on (key, id). The key never is NULL (a row
comparison with NULL would lose the row), and the id makes it unique. The place in the list is the key and
id of a boundary row, as text from the database itself, so that `infinity` and the last microsecond survive
the way through the address.
"""

import base64
import json
from dataclasses import dataclass
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db.models import (
    BigIntegerField,
    BooleanField,
    DateTimeField,
    DecimalField,
    F,
    Func,
    TextField,
    Value,
)
from django.db.models.expressions import Col, Expression
from django.db.models.fields.related_lookups import RelatedExact
from django.db.models.functions import Cast, Coalesce
from django.db.models.sql.where import WhereNode

from backoffice import kept
from backoffice.replicas.choice import reading

COUNT_LIMIT = 10_000


class OldestIfNull(Func):
    """A time in which NULL counts as -infinity: the expression that the indexes of master_schema.sql are made on."""

    template = "COALESCE(%(expressions)s, '-infinity'::timestamptz)"
    output_field = DateTimeField()


def newest(column="created_at"):
    """Key of a list ordered by a time."""
    return OldestIfNull(F(column))


def zero_if_null(column):
    """Key of a list ordered by an amount in which NULL counts as 0."""
    # The digits are for the cast of a place in the list: more than any of our columns has.
    amount = DecimalField(max_digits=40, decimal_places=10)
    return Coalesce(F(column), Func(template="(0)::numeric"), output_field=amount)


class RowCompare(Func):
    """`(key, id) < (value, id)` as one comparison, which an index on (key, id) answers."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, *expressions, operator):
        super().__init__(*expressions)
        self.operator = operator

    def as_sql(self, compiler, connection, **kwargs):
        (key, key_params), (pk, pk_params), (value, value_params), (row, row_params) = (
            compiler.compile(expression) for expression in self.get_source_expressions()
        )
        return (
            f"({key}, {pk}) {self.operator} ({value}, {row})",
            [*key_params, *pk_params, *value_params, *row_params],
        )


class BadCursor(ValueError):
    """The place in the list, taken from the address, is not one that we gave out."""


def encode(key, pk):
    return base64.urlsafe_b64encode(json.dumps([key, str(pk)]).encode()).decode().rstrip("=")


def decode(text, model):
    """(key as text, id) of an address; raises BadCursor."""
    try:
        key, pk = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(key, str) or "\0" in key:
            raise BadCursor(text)
        return key, model._meta.pk.to_python(pk)
    except (ValueError, TypeError, ValidationError) as error:
        raise BadCursor(text) from error


@dataclass
class Page:
    """One page of rows with the query strings of its neighbours ("" where there is none); `total` is of the list, None
    beyond its end or where nobody said how to count.
    """

    rows: list
    previous: str
    next: str
    is_first: bool
    total: "Total | None"


class Counting(NamedTuple):
    """How the rows of a list are counted: up to `limit`; a whole table is estimated, unless it is `filtered`."""

    filtered: bool
    limit: int


def read_page(queryset, key, *, descending, size, params, by_index=False, shape=None, counting=None):
    """One Page of `queryset` in the order of `key` (an expression), at the place that `params` (request.GET) names.

    One query, in which the rows are counted, too, if a Counting says how. Raises BadCursor for a place that cannot be
    read. `by_index` says that the rows of each parent have an index in this order. `shape` is what the SQL of the whole
    list and its order depends on, as kept.rows() has it: a list that is whole, or of one parent, is read by a kept
    statement.
    """
    after, before, from_end = params.get("after", ""), params.get("before", ""), "last" in params
    backwards = bool(before) or (from_end and not after)
    # The direction in which the index is read.
    falling = descending != backwards
    place = [str(part) for part in decode(after or before, queryset.model)] if after or before else []
    parent = parent_of(queryset.query)
    if shape and (parent or not queryset.query.where):
        keys = [parent.key] if parent else []
        narrowed = parent and (parent.column, *queryset.query.alias_map)  # by which tables it is reached, too
        shape = (shape, narrowed, falling, bool(place), size, counting)

        def rows_of(*values):
            rows = of_parent(queryset, values[0]) if parent else queryset
            return rows_from(rows, key, falling, values[len(keys) :], counting)[: size + 1]

        # One plan is good for every place in the whole list, or where an index has the rows of each parent in its
        # order; else what is best depends on how many rows the parent has.
        planned = not parent or (by_index and parent.is_own)
        rows = kept.rows(shape, rows_of, *keys, *place, planned=planned)
    else:
        rows = list(rows_from(queryset, key, falling, place, counting)[: size + 1])
    total = total_of(rows, place, counting)
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()
    has_previous = more if backwards else bool(after)
    has_next = bool(before) if backwards else more
    return Page(
        rows=rows,
        previous="before=" + encode(rows[0].page_key, rows[0].pk) if rows and has_previous else "",
        next="after=" + encode(rows[-1].page_key, rows[-1].pk) if rows and has_next else "",
        is_first=not has_previous,
        total=total,
    )


def rows_from(queryset, key, falling, place=(), counting=None):
    """The rows in the order of `key`; those beyond `place`, (key as text, id as text), if there is one."""
    rows = queryset.annotate(page_key=Cast(key, TextField()))
    if counting:
        rows = rows.annotate(**counts_of(queryset, counting))
    if place:
        key_type = queryset.model._meta.get_field(key.name) if isinstance(key, F) else key.output_field
        value, pk = place
        comparison = RowCompare(
            key,
            F("pk"),
            Cast(Value(value), key_type),
            Cast(Value(pk), queryset.model._meta.pk),
            operator="<" if falling else ">",
        )
        rows = rows.filter(comparison)
    return rows.order_by(*([key.desc(), F("pk").desc()] if falling else [key.asc(), F("pk").asc()]))


class Parent(NamedTuple):
    """What the rows of a query belong to. `is_own`: by a column of theirs, not by one of a row that they belong to."""

    column: str  # "alias"."name"
    key: object
    is_own: bool


def parent_of(query):
    """The Parent if a query is of the rows of one: narrowed by a foreign key, and nothing else."""
    if len(query.where.children) != 1 or query.where.negated:
        return None
    (narrowed,) = query.where.children
    if not isinstance(narrowed, RelatedExact) or not isinstance(narrowed.lhs, Col):
        return None
    if hasattr(narrowed.rhs, "as_sql"):
        return None
    alias, column = narrowed.lhs.alias, narrowed.lhs.target.column
    return Parent(f"{quoted(alias)}.{quoted(column)}", narrowed.rhs, alias == query.get_initial_alias())


def of_parent(queryset, key):
    """The rows of another parent than those of `queryset` (see parent_of())."""
    rows = queryset.all()
    (narrowed,) = rows.query.where.children
    rows.query.where = WhereNode([RelatedExact(narrowed.lhs, key)])
    return rows


@dataclass
class Total:
    """How many rows there are: exact, at least (counting stopped), or estimated by the planner's statistics."""

    number: int
    kind: str  # "exact", "at_least", "about"

    def __str__(self):
        return {
            "exact": f"{self.number:,}",
            "at_least": f"{self.number:,}+",
            "about": f"about {self.number:,}",
        }[self.kind]


def total(queryset, *, filtered, limit=None):
    """The Total of a list, by one cheap query: counting stops at `limit` (COUNT_LIMIT), whole tables are estimated."""
    limit = limit or COUNT_LIMIT
    parent = parent_of(queryset.query)
    if parent and parent.is_own:
        number = count_of_parent(queryset.model, parent, limit)
    elif is_part(queryset, filtered):
        number = up_to(queryset, limit).count()
    else:
        estimate, number = estimate_or_count(queryset.model, limit)
        if number is None:
            return Total(estimate, "about")
    return bounded_total(number, limit)


def is_part(queryset, filtered):
    """Whether a list is of a part of its table; some are from the start."""
    return filtered or bool(queryset.query.where)


class NumberOf(Expression):
    """How many rows a queryset has; the database counts them once, and not where no row asks for it.

    The function only one process may call: what several processes read would else be counted before they begin. It is
    no Subquery, since nothing in it belongs to the query around it: Django would give all tables in it other names.
    """

    def __init__(self, queryset):
        super().__init__(output_field=BigIntegerField())
        self.queryset = queryset

    def as_sql(self, compiler, connection):
        sql, params = self.queryset.query.get_compiler(connection=connection).as_sql()
        return f"(case when pg_backend_pid() > 0 then (select count(*) from ({sql}) counted) end)", params

    def get_group_by_cols(self):
        return []


def counts_of(queryset, counting):
    """What each row of a page says of how many there are: their number, NULL where it is about as many as estimated."""
    if is_part(queryset, counting.filtered):
        return {"page_total": NumberOf(up_to(queryset, counting.limit))}
    table = queryset.model._meta.db_table
    found = (
        Func(
            Value(table),
            template=f"(select {sql} from pg_class where oid = to_regclass(%(expressions)s))",
            output_field=BigIntegerField(),
        )
        for sql in estimates(table, counting.limit)
    )
    return dict(zip(("page_estimate", "page_total"), found, strict=True))


def total_of(rows, place, counting):
    """The Total that the rows of a page tell (counts_of()), if any does."""
    if not counting or (place and not rows):
        return None
    if not rows:
        return Total(0, "exact")
    if rows[0].page_total is None:
        return Total(rows[0].page_estimate, "about")
    return bounded_total(rows[0].page_total, counting.limit)


def bounded_total(number, limit):
    return Total(limit, "at_least") if number > limit else Total(number, "exact")


def estimate_or_count(model, limit):
    """(the planner's estimate for the table, the exact number or None where the estimate is beyond COUNT_LIMIT)."""
    table = model._meta.db_table
    with reading().prepared_cursor() as cursor:
        sql = ", ".join(estimates(table, limit))
        cursor.execute(f"select {sql} from pg_class where oid = to_regclass(%s)", [table])
        return cursor.fetchone()


def estimates(table, limit):
    """SQL of these two."""
    counted = f"(select count(*) from (select from {quoted(table)} limit {limit + 1}) counted)"
    return "reltuples::bigint", f"case when reltuples > {COUNT_LIMIT} then null else {counted} end"


def count_of_parent(model, parent, limit):
    rows = f"select from {quoted(model._meta.db_table)} where {parent.column} = %s limit {limit + 1}"
    with reading().prepared_cursor() as cursor:
        cursor.execute(f"select count(*) from ({rows}) counted", [parent.key])
        return cursor.fetchone()[0]


def kept_total(shape, build, *values):
    """The Total of `build(*values)`, whose statement is kept as kept.rows() has it."""
    return bounded_total(
        kept.count(shape, lambda *own: up_to(build(*own), COUNT_LIMIT), *values), COUNT_LIMIT
    )


def up_to(queryset, limit):
    """What tells by its number of rows whether there are more than `limit`."""
    return queryset.order_by().values("pk")[: limit + 1]


def quoted(name):
    return reading().ops.quote_name(name)
