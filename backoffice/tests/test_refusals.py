"""What one may not do, tried with everything that would make it work: by every door, with real ids and whole forms."""

import re
import uuid
from urllib.parse import quote, urlsplit

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from agents.tests.factories import (
    make_agent,
    make_chat_message,
    make_chat_session,
    make_message,
    make_session,
)
from backoffice.export import export_columns
from backoffice.generic import ListView
from backoffice.generic.lists import open_list
from backoffice.models import AuditEvent, Job, SavedView
from backoffice.services import save
from backoffice.testing import make_user
from backoffice.testing_crud import check_page, client_of
from backoffice.tests.test_url_matrix import patterns, written
from billing.tests.factories import make_posting, make_price, make_request
from telephony.tests.factories import make_call, make_number, make_trunk
from tenants.tests.factories import make_note, make_organization, make_profile

SAID, NOT_SAID = "kestrel", "osprey"
CONTENT = {"content", "text", "conversation_history", "context_data"}


def lists():
    """{url name: address} of every list."""
    found = {}
    for route, name, pattern in patterns():
        view = getattr(pattern.callback, "view_class", None)
        if view and issubclass(view, ListView) and "<" not in route:
            found[name] = route
    return found


def same(response):
    """A page without what differs from one answer to the next."""
    html = response.content.decode()
    html = re.sub(r'(csrfmiddlewaretoken" value="|X-CSRFToken": ")[^"]*', "", html)
    html = re.sub(r"<time[^>]*>[^<]*</time>", "", html)
    return re.sub(rf"{SAID}|{NOT_SAID}", "…", html, flags=re.I)


@pytest.fixture
def spoken(db):
    """A conversation of each store in which SAID was said."""
    agent = make_agent(name="Desk")
    session = make_session(
        agent,
        conversation_history=[{"role": "user", "content": f"A {SAID}"}],
        context_data={"found": SAID},
    )
    return [
        session,
        make_message(session, content=f"I saw a {SAID}"),
        make_chat_message(make_chat_session(agent), text=f"I saw a {SAID}"),
    ]


class TestWhatWasSaid:
    def test_nothing_answers_questions_about_what_was_said(self, finance_client, spoken):
        """Finance sees that conversations took place: a filter, a search or an order must not tell more."""
        asked = "&".join(
            f"{name}{lookup}={{}}"
            for name in sorted(CONTENT)
            for lookup in ("", "__contains", "__icontains", "__regex")
        )
        addresses = [address for name, address in lists().items() if name.startswith("agents:")]
        addresses += [
            "/search/",
            "/search/palette/",
            "/jobs/",
            "/tenants/organizations/",
            "/telephony/calls/",
        ]
        addresses += [
            reverse(f"admin:agents_{name}_changelist")
            for name in ("agentsession", "agentmessage", "chatsession", "chatmessage", "conversation")
        ]
        for address in addresses:
            right, wrong = (
                finance_client.get(f"{address}?q={word}&sort=content&o=content&{asked.replace('{}', word)}")
                for word in (SAID, NOT_SAID)
            )
            assert (right.status_code, same(right)) == (wrong.status_code, same(wrong)), address

    def test_it_stands_on_no_page_and_in_no_column_of_finance(self, finance_client, spoken):
        session, message, chat_message = spoken
        pages = [one.get_absolute_url() for one in (session, message, chat_message, chat_message.session)]
        pages += [
            f"{session.agent.organization.get_absolute_url()}{tab}/" for tab in ("conversations", "timeline")
        ]
        for name, address in lists().items():
            try:
                page = open_list(name, finance_client.user)
            except PermissionDenied:
                continue
            pages.append(f"{address}?columns={','.join(page.offered)}")
        for address in pages:
            response = finance_client.get(address, follow=True)
            assert response.status_code in (200, 403) and SAID not in response.content.decode(), address

    def test_it_leaves_by_no_export_of_a_list(self, admin):
        """Not even for those who may read it: transcripts have an export of their own, masked and logged."""
        for name in lists():
            page = open_list(name, admin)
            everything = ",".join(page.offered)
            for column, source in export_columns(open_list(name, admin, f"columns={everything}"))[0]:
                last = source.rpartition("__")[2] if isinstance(source, str) else column.name
                assert not name.startswith("agents:") or last not in CONTENT, (name, column.name)


def closed_lists():
    return [
        ("support", "backoffice:auditevent_list"), ("support", "backoffice:readlog_list"),
        ("support", "tenants:erasure_list"), ("support", "agents:sample_list"),
        ("finance", "backoffice:auditevent_list"), ("finance", "agents:sample_list"),
        ("manager", "tenants:erasure_list"),
    ]  # fmt: skip


@pytest.mark.parametrize(("role", "name"), closed_lists())
def test_a_closed_list_is_closed_by_every_door(db, role, name):
    client = client_of(make_user(role))
    view = SavedView(owner=make_user("admin"), name="All", shared=True, list_name=name)
    save(view, actor=view.owner)
    before = written()
    for method, address in (
        ("get", reverse(name)),
        ("get", reverse("list_columns", args=[name])),
        ("post", reverse("list_columns", args=[name])),
        ("post", reverse("list_export", args=[name])),
        ("get", reverse("view_add", args=[name])),
        ("post", reverse("view_add", args=[name])),
        ("post", reverse("list_bulk", args=[name])),
        ("get", reverse("view_open", args=[view.pk])),
        ("post", reverse("view_edit", args=[view.pk])),
        ("post", reverse("view_delete", args=[view.pk])),
    ):
        data = {"format": "csv", "query": "", "column": "at", "name": "Mine", "all": "1", "action": "x"}
        # That there is a view of it is not told either.
        expected = 404 if str(view.pk) in address else 403
        check_page(getattr(client, method)(address, data), expected)
    assert written() == before


def test_what_one_may_not_know_of_answers_like_what_is_not_there(support_client, finance):
    """The same status and the same page, whether the id is somebody else's or nobody's."""
    job = Job.objects.create(kind="export", title="Of finance", owner=finance, status="succeeded")
    view = SavedView(owner=finance, name="Mine", list_name="tenants:organization_list")
    save(view, actor=finance)
    names = {
        "job_detail": job, "job_cancel": job, "job_retry": job, "job_result": job, "bulk_outcome": job,
        "view_open": view, "view_edit": view, "view_delete": view,
    }  # fmt: skip
    before = written()
    for name, obj in names.items():
        for method in ("get", "post"):
            theirs, nobodys = (
                getattr(support_client, method)(reverse(name, args=[pk]), {"name": "x"})
                for pk in (obj.pk, uuid.uuid4())
            )
            assert theirs.status_code == nobodys.status_code and theirs.status_code in (404, 405), (
                name,
                method,
            )
            assert same(theirs).replace(str(obj.pk), "") == re.sub(r"[0-9a-f-]{36}", "", same(nobodys)), name
    assert written() == before
    for q in ("Of finance", str(job.pk), "Mine", str(view.pk)):
        assert (
            job.get_absolute_url()
            not in support_client.get("/search/", {"q": q}, follow=True).content.decode()
        )


class TestFields:
    @pytest.mark.parametrize(
        ("role", "field", "value"),
        [
            ("support", "subscription_tier", "enterprise"),
            ("support", "stripe_customer_id", "cus_1"),
            ("finance", "full_name", "Mallory"),
            ("finance", "phone_number", "+14155550100"),
            ("manager", "full_name", "Mallory"),
        ],
    )
    def test_a_field_of_another_role_is_not_written(self, db, role, field, value):
        profile = make_profile(subscription_tier="free", full_name="Ada")
        client = client_of(make_user(role))
        page = client.get(reverse("inline_edit", args=["tenants.userprofile", profile.pk, field]))
        assert page.status_code == 403
        before = written()
        data = {field: value, "reason": "x", "confirm": "on"}
        answers = {
            client.post(
                reverse("inline_edit", args=["tenants.userprofile", profile.pk, field]), data
            ).status_code,
            client.post(reverse("admin:tenants_userprofile_change", args=[profile.pk]), data).status_code,
            client.post(reverse("tenants:userprofile_edit", args=[profile.pk]), data).status_code,
        }
        assert answers <= {302, 403, 422}
        assert {table for table, rows in written().items() if rows != before.get(table)} <= {
            "backoffice_recent"
        }
        profile.refresh_from_db()
        assert (profile.subscription_tier, profile.full_name) == ("free", "Ada")

    def test_a_change_of_a_field_of_another_role_is_not_put_back(self, finance, manager, support):
        profile = make_profile(subscription_tier="free")
        profile.subscription_tier = "pro"
        save(profile, actor=finance)
        event = AuditEvent.objects.of(profile).first()
        for user in (manager, support):
            client_of(user).post(reverse("backoffice:auditevent_revert", args=[event.pk]), {"reason": "x"})
        profile.refresh_from_db()
        assert profile.subscription_tier == "pro"


# Whole forms, by those who may not: (role, name of the address, of what, form)
WHOLE_FORMS = [
    ("finance", "tenants:organization_edit", "tenant", {"name": "Mine now"}),
    ("manager", "tenants:organization_edit", "tenant", {"name": "Mine now"}),
    ("support", "tenants:organization_delete", "tenant", {"confirm": "Acme"}),
    ("manager", "tenants:organization_suspend", "tenant", {}),
    ("finance", "telephony:phonenumber_release", "number", {}),
    ("manager", "telephony:phonenumber_edit", "number", {"agent": ""}),
    ("support", "telephony:calllog_correct", "call", {"duration_seconds": "1", "cost": "0"}),
    ("admin", "telephony:calllog_correct", "call", {"duration_seconds": "1", "cost": "0"}),
    ("manager", "billing:post_credit", "tenant", {"amount": "5", "kind": "goodwill"}),
    ("admin", "billing:post_credit", "tenant", {"amount": "5", "kind": "goodwill"}),
    ("support", "billing:creditrequest_decide", "request", {"decision": "approve"}),
    ("admin", "billing:creditrequest_decide", "request", {"decision": "approve"}),
    ("finance", "tenants:note_edit", "note", {"text": "Rewritten"}),
    ("finance", "tenants:note_delete", "note", {}),
    ("manager", "agents:agent_publish", "agent", {}),
    ("finance", "agents:agentsession_reveal", "session", {}),
    ("finance", "agents:agentsession_close", "session", {}),
    ("support", "billing:settle", "", {"until": "2026-01-01", "confirm": "on"}),
    ("admin", "billing:statement_close", "", {"month": "2026-01", "confirm": "on"}),
    ("support", "billing:price_add", "", {"model": "gpt-4o", "valid_from": "2026-01-01", "usd_per_1k": "1"}),
    ("manager", "billing:bulkposting_add", "", {"kind": "goodwill"}),
    ("finance", "telephony:siptrunk_edit", "trunk", {"username": "x", "password": "y"}),
    ("manager", "agents:agent_edit", "agent", {"name": "Mine"}),
    ("finance", "agents:agent_headers", "agent", {}),
    ("support", "agents:label_add", "", {"name": "Good", "tone": "good"}),
    ("support", "admin:backoffice_user_add", "", {"email": "x@example.test", "role": "Admin"}),
    ("manager", "admin:tenants_organization_delete", "tenant", {"confirm": "Acme"}),
]


def ids(cases):
    return [f"{role}: {name}" for role, name, *_ in cases]


@pytest.fixture
def things(db):
    """One of each, and who made what has an author: an admin made the note, support asked for the money."""
    tenant = make_organization(name="Acme")
    agent = make_agent(organization=tenant)
    number = make_number(agent=agent)
    return {
        "tenant": tenant,
        "agent": agent,
        "number": number,
        "call": make_call(phone_number=number),
        "session": make_session(agent),
        "note": make_note(tenant, make_user("admin", email="author@example.test")),
        "request": make_request(make_user("support", email="asks@example.test"), tenant),
        "ledger": make_posting(tenant),
        "trunk": make_trunk(organization=tenant),
        "price": make_price(),
    }


@pytest.mark.parametrize(("role", "name", "of", "form"), WHOLE_FORMS, ids=ids(WHOLE_FORMS))
def test_a_whole_form_of_somebody_who_may_not_writes_nothing(things, role, name, of, form):
    client = client_of(make_user(role))
    before = written()
    address = reverse(name, args=[things[of].pk] if of else [])
    check_page(client.post(address, {"reason": "Because", "opened": "", **form}), 403)
    assert written() == before


@pytest.mark.parametrize("target", [
    "https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "https:evil.example", "http:///evil",
    "\t//evil.example", "/%09/evil.example/../..//evil.example", "////evil.example", "data:text/html,x",
])  # fmt: skip
def test_no_address_leads_away(support_client, target):
    """By `next`, in the address and in a form, signed in and not."""
    for response in (
        support_client.post("/me/theme/", {"theme": "dark", "next": target}),
        support_client.post(f"/me/theme/?next={quote(target)}", {"theme": "dark"}),
        support_client.get("/search/", {"q": target}),
        support_client.get("/admin/login/", {"next": target}),
        Client().post(
            f"/accounts/login/?next={quote(target)}",
            {"login": support_client.user.email, "password": "password", "next": target},
        ),
    ):
        if response.status_code in (301, 302):
            host = urlsplit(response.url.replace("\\", "/"))
            assert (host.scheme, host.netloc) == ("", "") and not response.url.startswith("//"), response.url
