"""The groups of a month with their figures, and the whole, in one scan: sums are the database's, exact.

A cost that is no number is left out of the sum and counted as missing.
"""

from dataclasses import dataclass
from decimal import Decimal

from agents.models import Agent
from backoffice import months
from backoffice.figures import tenant as figures
from backoffice.replicas.choice import reading
from billing.overview import links
from telephony.models import PhoneNumber, stale_before
from tenants.models import Organization

USAGE_FIGURES = """
count(*), coalesce(sum(tokens_used::bigint), 0), coalesce(sum(cost_usd) filter (where cost_usd <> 'NaN'), 0),
count(*) filter (where cost_usd = 'NaN' or (tokens_used > 0 and coalesce(cost_usd, 0) = 0))
"""
CALL_FIGURES = """
count(*), coalesce(sum(duration_seconds::bigint), 0), coalesce(sum(cost) filter (where cost <> 'NaN'), 0),
count(*) filter (where cost = 'NaN' or coalesce(cost, 0) = 0),
count(*) filter (where coalesce(duration_seconds, 0) = 0),
count(*) filter (where status = 'stale' or (status = 'active' and created_at < %(stale)s))
"""
GROUPS = """
select {key}::text, grouping({key}), {figures}
from {table}
where coalesce(created_at, '-infinity') >= %(since)s and coalesce(created_at, '-infinity') < %(until)s {narrowed}
group by grouping sets (({key}), ())
order by 2 desc, 5 desc, 4 desc, 3 desc, 1
"""
# The same out of the kept figures, which have whole days (UTC), and the rows of the days that these do not have yet.
KEPT_GROUPS = """
select key::text, grouping(key), coalesce(sum(rows), 0)::bigint, coalesce(sum(quantity), 0)::bigint,
  coalesce(sum(cost), 0), coalesce(sum(odd), 0)::bigint
from (
  select {kept_key} as key, rows, quantity, cost, odd from {figures}
  where source = 'usage' and day >= %(first)s and day < %(past)s {of_tenant}
  union all
  select {key}, {sums} from {table}
  where coalesce(created_at, '-infinity') >= %(past_at)s and coalesce(created_at, '-infinity') < %(until)s {narrowed}
  group by 1) parts
group by grouping sets ((key), ())
order by 2 desc, 5 desc, 4 desc, 3 desc, 1
"""
NO_MONTH = """
select count(*) from (
  select from {table}
  where (coalesce(created_at, '-infinity') < %(since)s or coalesce(created_at, '-infinity') >= %(until)s) {narrowed}
  limit 10001) found
"""


@dataclass(frozen=True)
class Cut:
    """One way to cut a month: `key` is SQL, `parameter` the filter of the list that holds a group's rows."""

    label: str
    key: str
    parameter: str
    names: object  # function({key, …}) that gives {key as text: object or words}
    of_calls: bool = False
    kept_key: str = ""  # SQL of the same key in the kept figures, where they are told apart by it

    @property
    def table(self):
        return "public.call_logs" if self.of_calls else "public.usage_logs"

    @property
    def rows_url(self):
        return links.calls_url if self.of_calls else links.usage_url

    def filters(self, key):
        """The parameters that find the rows of one group."""
        if key is None:
            return {"numbered": "no"} if self.of_calls else {self.parameter: links.NONE}
        return {self.parameter: key}


@dataclass(frozen=True)
class Usage:
    rows: int
    tokens: int
    cost: Decimal
    unpriced: int

    def flags(self):
        """{figure: parameters that find just its rows}."""
        return {"unpriced": {"priced": "no"}}


@dataclass(frozen=True)
class Calls:
    rows: int
    seconds: int
    cost: Decimal
    unpriced: int
    zero: int
    never_closed: int

    def flags(self):
        return {name: {"problem": problem} for name, problem in PROBLEMS.items()}


PROBLEMS = {"unpriced": "no_cost", "zero": "zero", "never_closed": "never_closed"}


def organizations(keys):
    return by_text(Organization.objects.filter(pk__in=keys))


def agents(keys):
    return by_text(
        Agent.objects.select_related("organization").only("name", "organization__name").filter(pk__in=keys)
    )


def numbers(keys):
    return by_text(PhoneNumber.objects.select_related("organization").filter(pk__in=keys))


def by_text(queryset):
    return {str(row.pk): row for row in queryset}


def words(keys):
    return {}


def recorded(column):
    """Empty texts, and the word that stands for nothing in addresses, count as nothing (billing.filters)."""
    return f"nullif(nullif({column}, ''), 'null')"


CUTS = {
    "organization": Cut(
        "Usage by organization", "organization_id", "organization", organizations, kept_key="tenant_id"
    ),
    "agent": Cut("By agent", "agent_id", "agent", agents),
    "model": Cut("By model", recorded("model_used"), "model", words, kept_key="nullif(model, '')"),
    "channel": Cut("By channel", recorded("channel"), "channel", words, kept_key="nullif(channel, '')"),
    "calls": Cut("Calls by organization", "organization_id", "organization", organizations, of_calls=True),
    "number": Cut("Calls by number", "phone_number_id", "phone_number", numbers, of_calls=True),
}


@dataclass
class Month:
    """A month cut one way: the figures of the whole, and [(key or None, figures)] of its parts, the dearest first."""

    whole: object
    parts: list


def read(cut, month, organization_id=None):
    params, narrowed = given(organization_id)
    params["since"], params["until"] = months.bounds(month)
    params["stale"] = stale_before()
    made = Calls if cut.of_calls else Usage
    with reading().cursor() as cursor:
        cursor.execute(*statement(cut, params, narrowed))
        found = [(key, whole, made(*row)) for key, whole, *row in cursor.fetchall()]
    (whole,) = (row for _, is_whole, row in found if is_whole)
    return Month(whole, [(key, row) for key, is_whole, row in found if not is_whole])


def statement(cut, params, narrowed):
    """The SQL of a month's groups, and its parameters: out of the kept figures where they have what is asked for."""
    kept = figures.kept(reading()) if cut.kept_key else None
    if kept and kept.until and params["since"].date() < kept.until:
        by_tenant = narrowed or cut.kept_key == "tenant_id"
        return KEPT_GROUPS.format(
            kept_key=cut.kept_key,
            figures="backoffice_figure" if by_tenant else "backoffice_dayfigure",
            of_tenant="and tenant_id = %(organization)s" if narrowed else "",
            key=cut.key,
            sums=USAGE_FIGURES,
            table=cut.table,
            narrowed=narrowed,
        ), params | kept_part(kept, params["since"], params["until"])
    sums = CALL_FIGURES if cut.of_calls else USAGE_FIGURES
    return GROUPS.format(key=cut.key, figures=sums, table=cut.table, narrowed=narrowed), params


def kept_part(kept, since, until):
    """Which days of a month are taken from the figures; those before the day that is not over, or not counted yet."""
    window = kept.window(since, until)
    return {name: window[name] for name in ("first", "past", "past_at")}


def count_without_month(cut, organization_id=None):
    """How many rows belong to no month; counting stops at 10,001."""
    params, narrowed = given(organization_id)
    params["since"], params["until"] = months.bounds(months.FIRST)[0], months.bounds(months.LAST)[1]
    with reading().cursor() as cursor:
        cursor.execute(NO_MONTH.format(table=cut.table, narrowed=narrowed), params)
        return cursor.fetchone()[0]


def given(organization_id):
    if organization_id is None:
        return {}, ""
    return {"organization": organization_id}, "and organization_id = %(organization)s"


def added(rows):
    """The figures of several parts together; None of none."""
    rows = list(rows)
    if not rows:
        return None
    names = type(rows[0]).__dataclass_fields__
    return type(rows[0])(**{name: sum(getattr(row, name) for row in rows) for name in names})
