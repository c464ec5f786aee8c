"""Money, reveals, staff accounts and erasure ask for a fresh sign-in or confirmation."""

import html
import re

from django.conf import settings
from django.contrib.admin import site
from django.test import Client
from django.urls import reverse

from agents.tests.factories import make_message, make_session
from backoffice import fresh, roles, services
from backoffice.generic import ModelPage
from backoffice.models import AuditEvent, Job, User
from backoffice.testing import make_user, sign_in
from backoffice.tests.test_url_matrix import patterns
from billing.models import CreditTransaction
from billing.tests.factories import make_request
from telephony.tests.factories import make_call
from tenants.tests.factories import make_organization

HIDDEN = re.compile(r'type="hidden" name="(\w+)" value="([^"]*)"')
CONFIRM = "/accounts/reauthenticate/"
HTMX = {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "http://testserver/tenants/"}


def stale_client(user):
    client = Client()
    sign_in(client, user, minutes_ago=settings.FRESH_FACTOR_MINUTES + 1)
    client.user = user
    return client


def confirm(client, response, password="password"):
    """Confirms with the password; returns where that leads."""
    assert response.status_code == 302 and response.url.startswith(CONFIRM), response
    page = client.get(response.url).content.decode()
    assert "Confirm that it is you" in page
    (back,) = re.findall(r'name="next" value="([^"]*)"', page)
    return client.post(CONFIRM, {"password": password, "next": back})


def guarded():
    """[(address, permission)] of every page whose permission is one of those that ask."""
    found = []
    for route, _, pattern in patterns():
        view = getattr(pattern.callback, "view_class", None)
        if view is None or not issubclass(view, ModelPage) or not view.asks_fresh:
            continue
        if view.required_permission() in roles.FRESH:
            address = re.sub(r"<uuid:\w+>", "00000000-0000-0000-0000-000000000001", route)
            found.append((re.sub(r"<\w+:\w+>", "1", address), view.required_permission()))
    return found


def test_every_page_of_money_reveal_accounts_and_erasure_asks(db):
    clients = [stale_client(make_user(role)) for role in ("admin", "finance", "manager")]
    asking = guarded()
    for address, permission in asking:
        client = next(one for one in clients if one.user.has_perm(permission))
        for response in (client.get(address), client.post(address, {"x": "y"})):
            assert response.status_code == 302 and response.url.startswith(CONFIRM), address
    assert {permission for _, permission in asking} == roles.FRESH


def test_django_admins_pages_of_accounts_ask(db):
    admin = make_user("admin")
    client = stale_client(admin)
    for page in ("add", "change", "delete"):
        args = [] if page == "add" else [admin.pk]
        url = reverse(f"admin:{User._meta.app_label}_user_{page}", args=args)
        assert client.get(url).url.startswith(CONFIRM), page
        assert client.post(url, {}).url.startswith(CONFIRM), page
    assert User in site._registry


def test_nobody_is_asked_about_what_they_may_not_do(db):
    client = stale_client(make_user("support"))
    assert client.get(reverse("billing:statement_close")).status_code == 403


def test_a_fresh_sign_in_is_enough(finance_client):
    url = reverse("billing:post_credit", args=[make_organization().pk])
    assert finance_client.get(url).status_code == 200


def test_the_setting_switches_it_off(finance, settings):
    settings.FRESH_FACTOR_MINUTES = 0
    client = Client()
    sign_in(client, finance, minutes_ago=600)
    url = reverse("billing:post_credit", args=[make_organization().pk])
    assert client.get(url).status_code == 200


def test_what_was_typed_is_posted_after_the_confirmation(finance):
    client, organization = Client(), make_organization()
    sign_in(client, finance)
    url = reverse("billing:post_credit", args=[organization.pk])
    fields = dict(HIDDEN.findall(client.get(url).content.decode().split("<main")[1]))
    sign_in(client, finance, minutes_ago=16)
    data = fields | {"amount": "12", "kind": "goodwill", "reason": "Goodwill <&>"}
    response = client.post(url, data)
    wrong = confirm(client, response, password="wrong")
    assert wrong.status_code == 200 and not CreditTransaction.objects.filter(kind="goodwill").exists()
    held = confirm(client, response)
    assert held.url.startswith("/held/")
    page = client.get(held.url).content.decode()
    assert "Goodwill &lt;&amp;&gt;" in page and f'action="{url}"' in page
    assert "not kept" not in page and "Idempotency" not in page
    hidden = {name: html.unescape(value) for name, value in HIDDEN.findall(page)}
    sent = client.post(url, hidden)
    assert sent.status_code == 302, re.findall(r"field__error[^<]*<?[^<]*", sent.content.decode())
    posted = CreditTransaction.objects.filter(organization_id=organization.pk).latest("id")
    assert (posted.amount, posted.reason) == (12, "Goodwill <&>")


def test_a_decision_is_carried_through(finance):
    request = make_request(make_user("support"), make_organization())
    url = reverse("billing:creditrequest_decide", args=[request.pk])
    client = stale_client(finance)
    held = confirm(client, client.post(url, {"decision": "decline", "comment": "No ticket"}))
    page = client.get(held.url).content.decode()
    hidden = dict(HIDDEN.findall(page))
    assert hidden["comment"] == "No ticket"


def test_a_part_of_a_page_leads_the_whole_page_there_and_back(manager):
    session = make_session()
    make_message(session, content="Call +1 415 555 0100")
    client = stale_client(manager)
    url = reverse("agents:agentsession_reveal", args=[session.pk])
    response = client.get(url, **HTMX)
    assert response.status_code == 401
    assert response["HX-Redirect"] == f"{CONFIRM}?next=%2Ftenants%2F"
    response = client.post(url, {"reason": "Complaint 12"}, **HTMX)
    assert "%2Fheld%2F" in response["HX-Redirect"]
    assert "555" not in client.get(session.get_absolute_url()).content.decode()


def test_masking_again_asks_nothing(manager):
    session = make_session()
    client = stale_client(manager)
    response = client.post(reverse("agents:agentsession_mask", args=[session.pk]))
    assert not response.url.startswith(CONFIRM)


def test_undoing_a_change_of_money_asks_too(finance):
    call = make_call(cost="1.00")
    call.cost = "2.00"
    services.save(call, actor=finance, reason="Wrong tariff")
    event = AuditEvent.objects.of(call).first()
    client = stale_client(finance)
    for response in (
        client.get(reverse("backoffice:auditevent_revert", args=[event.pk])),
        client.post(reverse("backoffice:auditevent_revert", args=[event.pk])),
        client.post(reverse("backoffice:batch_revert", args=[event.request_id or "none"])),
    ):
        if response.status_code != 404:
            assert response.url.startswith(CONFIRM)
    field = reverse("inline_edit", args=["telephony.calllog", call.pk, "cost"])
    assert client.get(field).url.startswith(CONFIRM)


def test_the_file_of_a_guarded_job_asks(manager, settings, tmp_path):
    settings.JOB_FILES_DIR = tmp_path
    kind = next(kind for kind, permission in fresh_jobs().items() if permission == "agents.export_transcript")
    job = Job.objects.create(
        kind=kind, title="x", owner=manager, status="succeeded", result_name="x.csv", result_bytes=1
    )
    job.result_path.parent.mkdir(parents=True, exist_ok=True)
    job.result_path.write_text("x")
    url = reverse("job_result", args=[job.pk])
    client = stale_client(manager)
    assert client.get(url).url.startswith(CONFIRM)
    sign_in(client, manager)
    assert b"".join(client.get(url).streaming_content) == b"x"


def fresh_jobs():
    from backoffice.jobs import GUARDED

    return GUARDED


def test_whoever_has_a_second_factor_confirms_with_it(finance, monkeypatch):
    monkeypatch.setattr(fresh, "has_factor", lambda user: True)
    client = Client()
    sign_in(client, finance)
    url = reverse("billing:post_credit", args=[make_organization().pk])
    assert client.get(url).status_code == 302, "the password alone is not enough"
    session = client.session
    session["account_authentication_methods"] += [
        {"method": "mfa", "type": "totp", "at": session["account_authentication_methods"][-1]["at"]}
    ]
    session.save()
    assert client.get(url).status_code == 200
