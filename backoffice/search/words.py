"""Conditions for querysets that the indexes of the search answer (db/backoffice.sql, part 6)."""

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models

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
    field = model._meta.get_field(relation)
    parents = field.related_model._default_manager.filter(has_words(field.related_model, text))
    return EqualsAny(models.F(field.attname), ArraySubquery(parents.order_by().values("pk")[:MOST_PARENTS]))


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
