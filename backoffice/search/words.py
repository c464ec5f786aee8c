"""Conditions for querysets that the indexes of the search answer (db/backoffice.sql, part 6)."""

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models

from backoffice import kept
from backoffice.search.probes import COLUMNS, DIGITS, TEXTS
from backoffice.search.typed import LONGEST_WORDS, endings

MOST_PARENTS = 1000


class Condition(models.Func):
    """SQL in which `{column}` stands for a column of the model, with parameters."""

    conditional = True

    def __init__(self, sql, columns, params):
        super().__init__(*columns, output_field=models.BooleanField())
        self.sql, self.columns, self.params = sql, columns, params

    def as_sql(self, compiler, connection, **context):
        compiled = [compiler.compile(column) for column in self.get_source_expressions()]
        columns = {name: sql for name, (sql, _) in zip(self.columns, compiled, strict=True)}
        return f"({self.sql.format(**columns)})", self.params


class EqualsAny(models.Func):
    """`column = any(array(…))`, for `in (select …)` beside other conditions would read the whole table."""

    output_field = models.BooleanField()
    conditional = True

    def as_sql(self, compiler, connection, **context):
        column, parents = (compiler.compile(part) for part in self.get_source_expressions())
        return f"({column[0]} = any({parents[0]}))", [*column[1], *parents[1]]


def has_words(model, text):
    """Rows of `model` (one of TEXTS) in whose names each word of `text` is the beginning of a word."""
    label = model._meta.label_lower
    sql = (
        f"audit.search_vector(audit.search_text({TEXTS[label]})) @@ audit.search_query(audit.search_text(%s))"
    )
    return Condition(sql, COLUMNS[label], [text[:LONGEST_WORDS].replace("\0", " ")])


def parent_has_words(model, relation, text):
    """Rows whose `relation` is such a row of the related model; the first MOST_PARENTS of these."""
    return of_parents(model, relation, lambda parent: with_words(parent, text))


def parent_found(model, relation, text):
    """As parent_has_words(), for parents that have many rows: they are looked up first, by a query of their own, as the
    planner would have no idea of how many rows belong to them.
    """
    field = model._meta.get_field(relation)
    parent = field.related_model
    words = text[:LONGEST_WORDS].replace("\0", " ")
    parents = kept.rows(("parents", parent), lambda words: with_words(parent, words).only("pk"), words)
    return models.Q(**{f"{field.attname}__in": [row.pk for row in parents]})


def parent_is(model, relation, **wanted):
    """Rows whose `relation` is a row of the related model with these values. Beside other conditions, a join would
    compare the values of each row's.
    """
    return of_parents(model, relation, lambda parent: parent._default_manager.filter(**wanted).order_by())


def of_parents(model, relation, parents):
    """Rows whose `relation` is one of `parents(the related model)`, a queryset."""
    field = model._meta.get_field(relation)
    found = parents(field.related_model).values("pk")
    return models.Q(EqualsAny(models.F(field.attname), ArraySubquery(found)))


def with_words(parent, text):
    return parent._default_manager.filter(has_words(parent, text)).order_by()[:MOST_PARENTS]


def has_number(column, text):
    """Rows in whose `column` a telephone number ends as `text` does, in whatever format; otherwise the same text."""
    expression = DIGITS.replace("{column}", f"{{{column}}}")
    condition = models.Q()
    for ending in endings(text):
        condition |= models.Q(Condition(f"{expression} like %s", [column], [f"{ending[::-1]}%"]))
    if condition:
        return condition
    # A caller such as "anonymous": those without digits are found by the index too.
    same = f"{expression} = {DIGITS.format(column='%s')} and {{{column}}} = %s"
    return models.Q(Condition(same, [column], [text, text]))
