from django.db import connection
from django.utils import timezone

from backoffice.testing import platform
from telephony.models import CallLog, Conflict, PhoneNumber, SipTrunk
from tenants.tests.factories import insert, make_organization, numbered_id, serial


def make_trunk(password=None, **fields):
    """A tenant's trunk; `organization=None` makes one of the platform's own."""
    if "organization" not in fields and "organization_id" not in fields:
        fields["organization"] = make_organization()
    fields = {"provider": "twilio", "sip_domain": f"sip{serial()}.example.test", **fields}
    trunk = insert(SipTrunk, **fields)
    if password is not None:
        with platform(), connection.cursor() as cursor:
            cursor.execute("update sip_trunks set password = %s where id = %s", [password, trunk.pk])
    return trunk


def make_number(organization=None, **fields):
    """An active number. With an agent and no organization it belongs to the agent's."""
    if organization is None and fields.get("agent"):
        organization = fields["agent"].organization
    fields = {"e164": f"+44207{serial():07}", **fields}
    return insert(PhoneNumber, organization=organization or make_organization(), **fields)


def make_call(organization=None, **fields):
    """An inbound call, not closed, as the platform leaves it. With a number it is its tenant's and agent's."""
    number = fields.get("phone_number")
    if number:
        organization = organization or number.organization
        fields.setdefault("agent_id", number.agent_id)
    number = serial()
    fields = {"direction": "inbound", "session_ref": f"call-{number}", "status": "active", **fields}
    return insert(CallLog, organization=organization or make_organization(), **fields)


def make_conflict(organization=None, **fields):
    """A conflict as a look would have found it; the next one takes it away."""
    organization = organization or make_organization()
    number = serial()
    fields = {
        "rule": "missing_agent",
        "place": 1,
        "subject_id": numbered_id(number),
        "organization_name": organization.name,
        "label": f"+44207{number:07}",
        "text": "No agent is assigned.",
        "found_at": timezone.now(),
        **fields,
    }
    return Conflict.objects.create(organization=organization, **fields)
