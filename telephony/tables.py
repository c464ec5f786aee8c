import datetime

from django.db.models import Case, Count, F, OuterRef, Subquery, TextField, Value, When
from django.db.models.functions import Coalesce, Concat, Now

from backoffice.keyset import newest
from backoffice.tables import Column, Table
from telephony.conflicts.rules import RULES
from telephony.models import CallLog, Conflict, PhoneNumber, SipTrunk
from telephony.traffic import DAYS


def last_call():
    """The time of a number's last call, for a file."""
    calls = CallLog.objects.filter(phone_number=OuterRef("pk")).order_by(newest().desc(), "-pk")
    return Subquery(calls.values("created_at")[:1])


def calls_of_late():
    """How many calls a number had in DAYS times 24 hours, for a file."""
    since = Now() - datetime.timedelta(days=DAYS)
    calls = CallLog.objects.filter(phone_number=OuterRef("pk")).alias(moment=newest())
    calls = calls.filter(moment__gte=since, moment__lte=Now()).order_by().values("phone_number")
    return Coalesce(Subquery(calls.annotate(rows=Count("pk")).values("rows")), 0)


class PhoneNumberTable(Table):
    e164 = Column("Number", order="number")
    organization = Column("Organization")
    agent = Column("Agent")
    provider = Column("Provider")
    status = Column("Status")
    last_call = Column("Last call", export=last_call())
    calls = Column(f"Calls in {DAYS} days", numeric=True, export=calls_of_late())
    created_at = Column("Added", order="created", shown=False)

    class Meta(Table.Meta):
        model = PhoneNumber
        fields = []
        rows = "telephony/phonenumber_rows.html"


class SipTrunkTable(Table):
    trunk = Column("Trunk", empty_values=(), export=Concat("provider", Value(" "), "sip_domain"))
    organization = Column("Organization")
    username = Column("User name")
    password = Column("Password", empty_values=(), export=False)
    created_at = Column("Added", order="created")

    class Meta(Table.Meta):
        model = SipTrunk
        fields = []
        rows = "telephony/siptrunk_rows.html"


class CallLogTable(Table):
    created_at = Column("Started", order="created")
    caller_number = Column("Caller")
    phone_number = Column("Number")
    organization = Column("Organization")
    agent = Column("Agent")
    direction = Column("Direction")
    status = Column("Status")
    duration_seconds = Column("Duration", numeric=True)
    cost = Column("Cost", numeric=True)

    class Meta(Table.Meta):
        model = CallLog
        fields = []
        rows = "telephony/calllog_rows.html"


def by_rule(words):
    """What is said of each rule, as an expression for a file."""
    return Case(
        *(When(rule=name, then=Value(words(rule))) for name, rule in RULES.items()),
        default=F("rule"),
        output_field=TextField(),
    )


class ConflictTable(Table):
    label = Column("What")
    rule = Column("Rule", order="grave", export=by_rule(lambda rule: rule.label))
    organization_name = Column("Tenant", order="tenant")
    text = Column("What is wrong")
    way = Column("To mend it", export=by_rule(lambda rule: rule.fix[0]))
    found_at = Column("Since", order="found")

    class Meta(Table.Meta):
        model = Conflict
        fields = []
        rows = "telephony/conflict_rows.html"
