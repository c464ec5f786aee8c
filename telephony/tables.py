from django.db.models import Value
from django.db.models.functions import Concat

from backoffice.tables import Column, Table
from telephony.models import CallLog, Conflict, PhoneNumber, SipTrunk


class PhoneNumberTable(Table):
    e164 = Column("Number", order="number")
    organization = Column("Organization")
    agent = Column("Agent")
    provider = Column("Provider")
    status = Column("Status")
    created_at = Column("Added", order="created")

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


class ConflictTable(Table):
    label = Column("What")
    rule = Column("Rule", order="grave")
    organization_name = Column("Tenant", order="tenant")
    text = Column("What is wrong")
    way = Column("To mend it", export=False)
    found_at = Column("Since", order="found")

    class Meta(Table.Meta):
        model = Conflict
        fields = []
        rows = "telephony/conflict_rows.html"
