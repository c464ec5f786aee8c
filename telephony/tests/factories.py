from django.db import connection

from backoffice.testing import platform
from telephony.models import CallLog, PhoneNumber, SipTrunk
from tenants.tests.factories import insert, make_organization, serial


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
