"""What the dashboard shows of the figures, and the list that holds just the rows of each."""

import datetime
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

from django.urls import resolve, reverse
from django.utils.http import urlencode

from backoffice.figure_models import Source
from backoffice.templatetags import ui

NONE = "null"  # stands in an address for a channel or model that is not recorded


@dataclass(frozen=True)
class Span:
    """Days (UTC) from `since` to `until`, both included, perhaps of one tenant (its id) or channel ("": none)."""

    since: datetime.date
    until: datetime.date
    tenant: object = None
    channel: str | None = None

    @property
    def length(self):
        return (self.until - self.since).days + 1

    @property
    def before(self):
        """As many days, just before."""
        back = datetime.timedelta(days=self.length)
        return Span(self.since - back, self.until - back, self.tenant, self.channel)

    @property
    def days(self):
        return [self.since + datetime.timedelta(days=number) for number in range(self.length)]

    def of(self, since, until):
        return Span(since, until, self.tenant, self.channel)


@dataclass(frozen=True)
class Measure:
    """`column` of the sums of a source; `list` is the url name of the rows counted, `query` finds them there.

    `from_name` and `to_name` are the list's filters of days. `per_tenant` and `per_channel` say whether it can be told
    for one alone.
    """

    name: str
    label: str
    icon: str
    source: str
    column: str
    list: str
    query: dict = field(default_factory=dict)
    unit: str = ""
    places: int = 0
    divisor: int = 1
    from_name: str = "from_day"
    to_name: str = "to_day"
    per_tenant: bool = True
    per_channel: bool = True

    def value(self, sums):
        """The figure of a row of sums ({column: number}, or None)."""
        number = sums[self.column] if sums else 0
        return Decimal(number) / self.divisor if self.divisor != 1 else number

    def text(self, value):
        return ui.number(value, self.places)

    def applies_to(self, span):
        if span.tenant and not self.per_tenant:
            return False
        if span.channel is None:
            return True
        # Calls have no channel: all of them came by telephone.
        return span.channel == "phone" if self.source == Source.CALL else self.per_channel

    def url(self, span, **more):
        """The address of the rows counted in a span, narrowed by further filters of the list."""
        query = {**self.query, **more}
        if span.tenant:
            query["organization"] = span.tenant
        if "organization" in query and self.source == Source.CONVERSATION:
            query["shared"] = "no"  # what several tenants share is none's own
        if span.channel is not None and self.source != Source.CALL:
            query["channel"] = span.channel or NONE
        rest = f"&{urlencode(query)}" if query else ""
        # By hand: a page has hundreds of these.
        return f"{address(self.list)}?{self.from_name}={span.since}&{self.to_name}={span.until}{rest}"

    def may_open(self, user):
        return user.has_perm(permission(self.list))


@cache
def address(list_name):
    return reverse(list_name)


@cache
def permission(list_name):
    """What one needs to open a list."""
    return resolve(address(list_name)).func.view_class.required_permission()


ORGANIZATIONS = "tenants:organization_list"
CONVERSATIONS = "agents:conversation_list"
CALLS = "telephony:calllog_list"
USAGE = "billing:usagelog_list"
MESSAGES = "agents:agentmessage_list"

MEASURES = [
    Measure("active", "Active tenants", "building-2", Source.ACTIVE, "rows", ORGANIZATIONS, unit="tenants",
            from_name="active_from", to_name="active_to", per_tenant=False, per_channel=False),
    Measure("conversations", "Conversations", "messages-square", Source.CONVERSATION, "rows", CONVERSATIONS,
            unit="conversations"),
    Measure("messages", "Messages", "message-circle", Source.CONVERSATION, "quantity", CONVERSATIONS, unit="messages"),
    Measure("calls", "Calls", "phone", Source.CALL, "rows", CALLS, unit="calls"),
    Measure("minutes", "Call minutes", "timer", Source.CALL, "quantity", CALLS, unit="min", places=1, divisor=60),
    Measure("tokens", "Tokens", "cpu", Source.USAGE, "quantity", USAGE, unit="tokens"),
    Measure("cost", "Cost of usage", "receipt", Source.USAGE, "cost", USAGE, unit="USD", places=2),
    Measure("call_cost", "Cost of calls", "phone-call", Source.CALL, "cost", CALLS, places=2),
    Measure("failed_calls", "Failed calls", "phone-missed", Source.CALL, "failed", CALLS, {"problem": "failed"},
            unit="calls"),
    Measure("failed_conversations", "Failed conversations", "message-square-warning", Source.CONVERSATION, "failed",
            CONVERSATIONS, {"failed": "yes"}, unit="conversations"),
    Measure("signups", "New tenants", "sparkles", Source.SIGNUP, "rows", ORGANIZATIONS, unit="tenants",
            per_tenant=False, per_channel=False),
    # What the notes beside the figures count.
    Measure("usage", "Usage records", "chart-column", Source.USAGE, "rows", USAGE, unit="records"),
    Measure("unpriced", "Usage without cost", "receipt", Source.USAGE, "odd", USAGE, {"priced": "no"}, unit="records"),
    Measure("zero", "Calls without duration", "phone", Source.CALL, "odd", CALLS, {"problem": "zero"}, unit="calls"),
    Measure("latency", "Latency", "gauge", Source.TURN, "rows", MESSAGES, {"latency": "measured"}, unit="turns",
            per_tenant=False, per_channel=False),
]  # fmt: skip
BY_NAME = {measure.name: measure for measure in MEASURES}


def change(value, before):
    """ "+12 %" against the period before; "" where there is nothing to compare."""
    if not before or value is None:
        return ""
    share = round(100 * (Decimal(value) - Decimal(before)) / abs(Decimal(before)))
    if abs(share) >= 1000:
        return f"× {Decimal(value) / Decimal(before):,.0f}" if before > 0 else ""
    return "no change" if share == 0 else f"{'+' if share > 0 else ui.MINUS}{abs(share)} %"
