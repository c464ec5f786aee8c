"""Every address of the site, and one row of every model that has a page, for the tests that open all of them."""

import re

from django.urls import URLPattern, get_resolver

from agents.conversations.reviews import add_note
from agents.tests.factories import (
    make_agent,
    make_chat_message,
    make_chat_session,
    make_conversation,
    make_label,
    make_message,
    make_sample,
    make_session,
    make_setting_change,
)
from backoffice import roles
from backoffice.health.findings import Finding
from backoffice.health.store import keep
from backoffice.models import AuditEvent, Figure, HealthFinding, HealthRow, ReadLog, SavedView
from backoffice.services import log_read, save
from backoffice.testing import make_user
from billing.models import CreditLimit, SettlementDay
from billing.tests.factories import (
    make_adoption,
    make_bulk_posting,
    make_finding,
    make_outside,
    make_posting,
    make_price,
    make_request,
    make_settlement,
    make_statement,
    make_usage,
)
from telephony.tests.factories import make_call, make_conflict, make_number, make_trunk
from tenants.tests.factories import make_erasure, make_item, make_note

SAID, SECRET = "kestrel over the harbour", "s3cr3t-0f-th3-w1r3"


def patterns(resolver=None, prefix="/", namespaces=()):
    """[(address with its <parameters>, full name, URLPattern)] of everything but Django admin."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = re.sub(r"^\^|\\Z|\$$", "", str(entry.pattern)).replace("\\/", "/")
        if isinstance(entry, URLPattern):
            yield prefix + route, ":".join([*namespaces, entry.name or ""]), entry
        elif entry.namespace != "admin":
            inner = (*namespaces, entry.namespace) if entry.namespace else namespaces
            yield from patterns(entry, prefix + route, inner)


def make_rows():
    """One row of every model that has a page, by label. What was said in it and its secrets are SAID and SECRET."""
    agent = make_agent(
        custom_headers={"Authorization": SECRET},
        config={"sip": {"username": "u", "password": SECRET}, "customHeaders": {"X-Api-Key": SECRET}},
        webhook_url=f"https://hooks.example.com/?token={SECRET}",
    )
    session = make_session(agent, conversation_history=[{"role": "user", "content": SAID}])
    number = make_number(agent=agent)
    make_number(agent.organization)  # in conflict, as nobody answers it
    message = make_message(session, content=SAID, audio_url="/demo/audio/x.wav")
    chat_message = make_chat_message(make_chat_session(agent), text=SAID)
    found = [
        agent.organization,
        agent.organization.owner,
        agent,
        session,
        number,
        message,
        chat_message,
        chat_message.session,
        make_trunk(organization=agent.organization, password=SECRET),
        make_conflict(agent.organization),
        make_call(phone_number=number, recording_url="/demo/audio/x.wav"),
        make_usage(agent),
        make_posting(agent.organization),
        make_statement(agent.organization),
        make_item(agent.organization),
        finding := make_finding(),
        finding.run,
    ]
    staff = {role: make_user(role.lower(), email=f"{role}@example.test") for role in roles.ROLES}
    log_read("transcript", session, actor=staff["Support"])
    found.append(make_note(agent.organization, staff["Support"]))
    view = SavedView(
        owner=staff["Support"], name="Shared", shared=True, list_name="tenants:organization_list"
    )
    save(view, actor=staff["Support"])
    found += [AuditEvent.objects.first(), ReadLog.objects.first(), staff["Support"], view]
    found.append(make_erasure(staff["Admin"]))
    found.append(make_adoption(make_outside(agent.organization), actor=staff["Finance"]))
    found.append(make_bulk_posting(agent.organization))
    found += [make_request(staff["Support"], agent.organization), CreditLimit.objects.get(name="Finance")]
    conversation = make_conversation(record=session)
    found += [
        conversation,
        add_note(conversation, actor=staff["Manager"], text="Note"),
        make_label(staff["Manager"]),
        make_sample(staff["Manager"]),
        make_setting_change(staff["Support"], [agent]),
    ]
    settlement = make_settlement(agent.organization, actor=staff["Finance"])
    found.append(Figure.objects.create(source="usage", day="2026-01-01"))
    found += [settlement, SettlementDay.objects.get(day=settlement.day), make_price()]
    keep(["schema"], [Finding("schema", "example", "", "info", "An example")])
    found.append(HealthFinding.objects.get(rule="example"))
    row = HealthRow(rule="default_session", record="agents.agentsession", row_id=session.pk)
    row.save()
    found.append(row)
    version = AuditEvent.objects.of(agent).values_list("pk", flat=True).first()
    return {row._meta.label_lower: row for row in found} | {"staff": staff, "version": version}


def address(route, pattern, rows):
    """The route with its parameters replaced by what exists."""
    view = getattr(pattern.callback, "view_class", None)
    model = getattr(view, "model", None)
    values = {
        "pk": rows[model._meta.label_lower if model else "backoffice.job"].pk,
        "label": "tenants.organization",
        "field": "name",
        "list_name": "tenants:organization_list",
        "name": "hello",
        "key": "no-such-key",
        "row": rows["agents.agent"].pk,
        "version": rows["version"],
        "batch": "no-such-batch",
        "section": "schema",
        "uidb36": "1",
        "provider_id": "no-such-provider",
        "session": "00000000-0000-0000-0000-000000000001",
        "table": "organizations",
    }
    if "<int:pk>" in route and model is None:
        values["pk"] = 0
    if "<str:table>" in route:
        values["pk"] = rows["tenants.organization"].pk
    if "/preview/sessions/" in route:
        values["row"] = rows["agents.agentsession"].pk
    if "/preview/chats/" in route:
        values["row"] = rows["agents.chatsession"].pk
    if "/people/" in route:
        values["pk"] = rows["backoffice.user"].pk
    if "<str:label>" in route:
        values["pk"] = rows[values["label"]].pk
    route = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", route)
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(values[match[1]]), route)
