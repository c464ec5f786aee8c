"""Which values of a setting are in use among the agents of a question, and how often."""

from dataclasses import dataclass

from django.core.exceptions import EmptyResultSet

from agents.questions import sql
from agents.questions.conditions import is_yes_no
from backoffice.replicas.choice import reading

MOST = 25  # values shown; the others are counted together
LONGEST = 200  # characters of a value; of longer ones the beginning counts


@dataclass
class InUse:
    """One value and how many agents have it; `text` None: not set."""

    text: str | None
    count: int
    share: float
    condition: tuple = ()  # (comparison, value) that finds these agents


def values_in_use(queryset, setting):
    """([InUse], how many further values there are, how many agents have those). A list counts each of its entries."""
    of_list = sql.is_list(setting)
    values = sql.entries_of(setting) if of_list else sql.asked_text(setting)
    try:
        found = queryset.select_related(None).order_by().values_list(values).query.sql_with_params()
    except EmptyResultSet:
        return [], 0, 0
    each = ", unnest(coalesce(entries, array[null])) value" if of_list else ""
    counting = (
        "with counted as (select value, count(*) as n, sum(count(*)) over () as total, count(*) over () as kinds"
        f" from (select left(value, {LONGEST}) as value from ({found[0]}) found ({'entries' if of_list else 'value'})"
        f"{each}) one group by value)"
        f" select value, n, total, kinds from counted order by n desc, value nulls first limit {MOST}"
    )
    with reading().cursor() as cursor:
        cursor.execute(counting, found[1])
        rows = cursor.fetchall()
    if not rows:
        return [], 0, 0
    total, kinds = rows[0][2:]
    shown = [InUse(text, n, n / int(total), asking(setting, of_list, text)) for text, n, _, _ in rows]
    return shown, kinds - len(rows), int(total) - sum(one.count for one in shown)


def asking(setting, of_list, text):
    """(comparison, value) by which the agents with this value are found."""
    if text is None:
        return "empty", ""
    if of_list:
        return "contains", text
    if is_yes_no(setting) and text in ("true", "false"):
        return "is", "yes" if text == "true" else "no"
    return ("begins" if len(text) == LONGEST else "is"), text
