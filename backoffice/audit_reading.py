"""How entries are found by what they say: words of a name or reason, the field that was changed (GIN indexes of
db/backoffice.sql, parts 2 and 3).

Such an index does not know the order of time, and row security keeps the planner from knowing how many entries meet the
condition. So a look at the newest entries decides. Where few of them meet it, the index gives all that do. Where many
do, the list is read in its order, which soon fills a page; but two filters may have nothing in common, so that no more
than LOOKED_AT entries are looked at, and the page says so.
"""

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Count, Func, Q

from backoffice.search.typed import LONGEST_WORDS
from backoffice.search.words import Condition, EqualsAny

SAMPLE, MANY = 400, 8  # of the newest entries, and how many of these are many
LOOKED_AT = 10_000

SIGNS = "@.+-_/:()"
SPLIT = str.maketrans(SIGNS, " " * len(SIGNS))
WORDS = (
    f"to_tsvector('pg_catalog.simple', translate(left({{text}}, 2000), '{SIGNS}', '{' ' * len(SIGNS)}'))"
    " @@ to_tsquery('pg_catalog.simple', %s)"
)
BOTH = "coalesce({row_label}, '') || ' ' || coalesce({reason}, '')"
REASON = "coalesce({reason}, '')"


def has_words(text, of=BOTH):
    """Entries in whose label or reason each word of the text is the beginning of a word; that of both has an index."""
    words = text[:LONGEST_WORDS].replace("\0", " ").translate(SPLIT).split()[:10]
    query = " & ".join("'{}':*".format(word.replace("\\", "\\\\").replace("'", "''")) for word in words)
    columns = [name for name in ("row_label", "reason") if f"{{{name}}}" in of]
    return Condition(WORDS.replace("{text}", of), columns, [query])


class HasField(Func):
    """Whether an entry wrote one of these columns, in the words of the index event_fields."""

    output_field = models.BooleanField()
    conditional = True
    keys = "jsonb_path_query_array({new}, '$.keyvalue().key', '{{}}', true)"

    def __init__(self, names):
        super().__init__(models.F("new"))
        self.names = names

    def as_sql(self, compiler, connection, **context):
        new, params = compiler.compile(self.get_source_expressions()[0])
        return f"({self.keys.format(new=new)} ?| %s::text[])", [*params, self.names]


class NotByIndex(Func):
    """A condition that is computed for each row that is read, whatever index there is."""

    template = "(%(expressions)s) is true"
    output_field = models.BooleanField()
    conditional = True


def are_many(model, conditions):
    """For each condition, whether many of the newest entries meet it."""
    newest = model.objects.order_by("-at", "-pk").values("pk")[:SAMPLE]
    counts = {
        f"count_{n}": Count("pk", filter=NotByIndex(condition)) for n, condition in enumerate(conditions)
    }
    sample = model.objects.filter(EqualsAny(models.F("pk"), ArraySubquery(newest))).order_by()
    return [count > MANY for count in sample.aggregate(**counts).values()]


def met(queryset, conditions):
    """(the entries that meet the conditions, whether the index gave them)."""
    few = [
        one for one, many in zip(conditions, are_many(queryset.model, conditions), strict=True) if not many
    ]
    queryset = queryset.filter(*(Q(NotByIndex(condition)) for condition in conditions))
    if not few:
        return queryset, False
    found = queryset.model.objects.filter(*few).order_by().values("pk")
    return queryset.filter(EqualsAny(models.F("pk"), ArraySubquery(found))), True


def looked_at_since(queryset):
    """The time of the last entry that is looked at, of a queryset that one index gives in order; None where all are."""
    beyond = queryset.order_by("-at", "-pk").values_list("at", flat=True)
    return beyond[LOOKED_AT : LOOKED_AT + 1].first()
