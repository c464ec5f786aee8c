"""The tenant's view: what staff see through a tenant's login, for how long, and what is on record about it."""

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.tests.factories import (
    make_agent,
    make_chat_message,
    make_chat_session,
    make_message,
    make_session,
)
from backoffice import keyset
from backoffice.models import ReadLog
from backoffice.postgresql.base import PREVIEW
from backoffice.services import acting
from backoffice.testing import make_user
from billing.tests.factories import make_usage
from telephony.tests.factories import make_call, make_number, make_trunk
from tenants.models import Preview, UserProfile
from tenants.preview.procedure import put_ends_on_record
from tenants.tests.factories import make_login, make_organization

PAGES = ["", "agents/", "numbers/", "trunks/", "sessions/", "chats/", "calls/", "usage/", "ledger/"]


@pytest.fixture(scope="module")
def world(module_database, django_db_blocker):
    """Two tenants; Ada's owns a second organization, and shares the phone worker's session."""
    with django_db_blocker.unblock(), module_database.platform():
        ada, bob = make_organization(name="Ada Ltd"), make_organization(name="Bob Ltd")
        second = make_organization(name="Ada's other", owner_id=ada.owner_id)
        agent = make_agent(
            ada,
            name="<script>alert(1)</script>",
            custom_headers={"Authorization": "Bearer sesame-1"},
            config={"sip": {"password": "sesame-2"}},
        )
        plain, foreign = make_agent(ada, name="Reception"), make_agent(bob, name="Bob's agent")
        session = make_session(plain, conversation_history=[{"role": "user", "content": "History of 12 May"}])
        make_session(agent, external_id="default")
        make_message(session, content="Write to anna@example.com")
        chat = make_chat_session(plain)
        make_chat_message(chat, text="Call +1 415 555 0100")
        make_number(ada, e164="+442079460001", agent=foreign)
        make_number(bob, e164="+442079460002", agent=plain)
        make_trunk(organization=ada, password="sesame-3", username="ada-trunk")
        make_call(ada, agent=foreign, caller_number="+442079460003")
        make_usage(plain)
        hidden = make_session(foreign)
        with connection.cursor() as cursor:
            cursor.execute(
                "update agents set temperature = 'NaN', created_at = 'infinity' where id = %s", [agent.pk]
            )
            cursor.execute("update call_logs set cost = 'NaN', created_at = '-infinity'")
            cursor.execute(
                "update agents set backchannel_words = (repeat('[', 5000) || repeat(']', 5000))::jsonb where id = %s",
                [agent.pk],
            )
    return SimpleNamespace(
        database=module_database, ada=ada, bob=bob, second=second, agent=agent, plain=plain, session=session,
        chat=chat, hidden=hidden, foreign=foreign,
    )  # fmt: skip


@pytest.fixture
def desk(world, django_db_blocker):
    """The world with the database pointed at, and nobody looking."""
    with django_db_blocker.unblock(), world.database.django():
        for preview in Preview.objects.open():
            over(preview)
        put_ends_on_record()
        yield world


def over(preview):
    """Its time has passed."""
    with acting(preview.actor, "Test"):
        Preview.objects.filter(pk=preview.pk).update(expires_at=timezone.now() - timedelta(minutes=1))


def client_of(role):
    client = Client()
    client.user = get_user_model().objects.filter(email=f"{role}@example.test").first() or make_user(role)
    client.force_login(client.user)
    return client


def begin(tenant, role="support", **data):
    client = client_of(role)
    response = client.post(f"{at(tenant)}begin/", {"reason": "Cannot see an agent", **data})
    assert (response.status_code, response.get("Location")) == (302, at(tenant))
    return client


def at(tenant, page=""):
    return f"/tenants/organizations/{tenant.pk}/preview/{page}"


def text_of(client, url):
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def line_of(page, label):
    """The cells of the line of a table in the comparison."""
    (row,) = [row for row in re.findall(r"<tr>(.*?)</tr>", page, re.S) if f">{label}<" in row]
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)][
        1:
    ]


class TestBeginning:
    def test_it_wants_a_reason(self, desk):
        client = client_of("support")
        assert client.post(f"{at(desk.ada)}begin/", {"login": "x"}).status_code == 422
        assert "Begin" in text_of(client, at(desk.ada)) and "Ada Ltd sees" not in text_of(
            client, at(desk.ada)
        )

    @pytest.mark.parametrize("page", [*PAGES, "begin/", "agents/{agent}/", "sessions/{session}/"])
    def test_it_is_not_for_finance(self, desk, page):
        page = page.format(agent=desk.agent.pk, session=desk.session.pk)
        response = client_of("finance").get(at(desk.ada, page))
        assert response.status_code == 403 and b"preview_tenant" in response.content

    def test_every_page_says_as_whom_and_until_when(self, desk):
        client = begin(desk.ada, "manager")
        mail = UserProfile.objects.get(pk=desk.ada.owner_id).email
        for page in PAGES:
            text = text_of(client, at(desk.ada, page))
            assert (
                "You see what <strong>Ada Ltd</strong> sees" in text and mail in text and "read-only" in text
            )

    def test_one_tenant_at_a_time(self, desk):
        client = begin(desk.ada)
        begin(desk.bob)
        assert "You look at <strong>Bob Ltd</strong>" in text_of(client, at(desk.ada, "agents/"))
        assert Preview.objects.open().filter(actor=client.user).count() == 1

    def test_it_ends_by_button(self, desk):
        client = begin(desk.ada)
        assert client.get(f"{at(desk.ada)}end/").status_code == 405
        assert client.post(f"{at(desk.ada)}end/").status_code == 302
        assert "Reception" not in text_of(client, at(desk.ada, "agents/"))

    def test_it_ends_by_itself_and_says_so(self, desk):
        client = begin(desk.ada)
        response = client.get(at(desk.ada, "agents/"))
        assert 29 * 60 < int(response["Refresh"]) <= 30 * 60 + 2
        over(Preview.objects.open().get(actor=client.user))
        text = text_of(client, at(desk.ada, "agents/"))
        assert "The tenant&#x27;s view has ended." in text or "The tenant's view has ended." in text
        assert "Reception" not in text
        put_ends_on_record()
        assert Preview.objects.open().count() == 0
        entry = ReadLog.objects.filter(kind="preview", organization_id=desk.ada.pk).first()
        assert entry.detail.startswith("Ended after") and entry.detail.endswith("by itself")

    def test_where_it_is_not_set_up_there_is_no_button(self, desk, settings):
        page = f"/tenants/organizations/{desk.ada.pk}/"
        assert at(desk.ada, "begin/") in text_of(client_of("support"), page)
        settings.HAS_PREVIEW = False
        assert at(desk.ada, "begin/") not in text_of(client_of("support"), page)
        assert "PREVIEW_DATABASE_URL" not in text_of(client_of("support"), at(desk.ada))
        assert "PREVIEW_DATABASE_URL" in text_of(client_of("admin"), at(desk.ada))
        assert client_of("support").post(at(desk.ada, "begin/"), {"reason": "Why"}).status_code == 422


class TestWhatIsSeen:
    def test_tables_stand_beside_each_other_with_what_explains_them(self, desk):
        page = text_of(begin(desk.ada), at(desk.ada))
        assert line_of(page, "Agents")[:2] == ["2", "2"]
        assert "Another tenant" in line_of(page, "Agents")[2]
        assert line_of(page, "Phone numbers")[:2] == ["1", "1"]
        assert "answer one number that belong" in line_of(page, "Phone numbers")[2]
        stored, seen, why = line_of(page, "Conversations")
        assert (stored, seen) == ("2", "1") and "phone worker" in why
        assert line_of(page, "Credit ledger")[1] == "not permitted"
        assert "owns 2 organizations" in page and "other" in page

    def test_lists_hold_the_tenants_rows_only(self, desk):
        client = begin(desk.ada)
        agents = text_of(client, at(desk.ada, "agents/"))
        assert "Reception" in agents and "Bob&#x27;s agent" not in agents
        assert "&lt;script&gt;" in agents and "<script>alert" not in agents
        numbers = text_of(client, at(desk.ada, "numbers/"))
        assert "7946 0001" in numbers and "7946 0002" not in numbers
        assert "an agent that it does not see" in numbers
        assert "an agent that it does not see" in text_of(client, at(desk.ada, "calls/"))

    @pytest.mark.parametrize(
        "key", ["nonsense", keyset.encode("not a time", "0" * 32), keyset.encode("x", "y")]
    )
    def test_a_place_that_does_not_exist_leads_to_the_beginning(self, desk, key):
        response = begin(desk.ada).get(at(desk.ada, "agents/"), {"after": key})
        assert (response.status_code, response["Location"]) == (302, at(desk.ada, "agents/"))

    def test_what_it_may_not_read_is_said(self, desk):
        page = text_of(begin(desk.ada), at(desk.ada, "ledger/"))
        assert "Not permitted" in page and "permission denied for table credit_transactions" in page

    def test_secrets_are_on_no_page(self, desk):
        client = begin(desk.ada)
        for page in ["agents/", f"agents/{desk.agent.pk}/", "trunks/"]:
            assert "sesame" not in text_of(client, at(desk.ada, page))
        assert "ada-trunk" in text_of(client, at(desk.ada, "trunks/"))

    @pytest.mark.parametrize("page", ["agents/{foreign}/", "sessions/{hidden}/", "chats/{hidden}/"])
    def test_what_the_tenant_does_not_see_is_not_there(self, desk, page):
        page = page.format(foreign=desk.foreign.pk, hidden=desk.hidden.pk)
        assert begin(desk.ada).get(at(desk.ada, page)).status_code == 404

    def test_a_login_that_owns_nothing_sees_nothing(self, desk):
        with desk.database.platform():
            login = make_login("stranger@example.test")
        client = begin(desk.ada, login="stranger@example.test")
        page = text_of(client, at(desk.ada))
        assert "who does not own it" in page and line_of(page, "Agents")[1] == "0"
        assert "only its owner" in line_of(page, "Agents")[2]
        assert "Reception" not in text_of(client, at(desk.ada, "agents/"))
        assert Preview.objects.open().get().login_id == login

    def test_an_owner_without_login_or_profile(self, desk):
        with desk.database.platform():
            lost = make_organization(name="Lost")
        with desk.database.connect("embedded_admin") as admin:
            admin.execute("set session_replication_role = replica")
            admin.execute("delete from user_profiles where id = %s", [lost.owner_id])
            admin.execute("delete from auth.users where id = %s", [lost.owner_id])
        assert "does not exist any more" in text_of(client_of("support"), at(lost))
        page = text_of(begin(lost), at(lost))
        assert "sees no profile" in page and line_of(page, "Organization")[:2] == ["1", "1"]

    def test_a_broken_policy_is_told_and_no_fault_of_ours(self, desk):
        with desk.database.connect("postgres") as owner:
            owner.execute("revoke select on organizations from authenticated")
        try:
            client = begin(desk.ada)
            page = text_of(client, at(desk.ada))
            assert line_of(page, "Agents")[1] == "not permitted"
            assert "permission denied for table organizations" in line_of(page, "Agents")[2].lower()
            assert "Not permitted" in text_of(client, at(desk.ada, "agents/"))
        finally:
            with desk.database.connect("postgres") as owner:
                owner.execute("grant select on organizations to authenticated")

    def test_as_many_queries_for_many_rows(self, desk):
        client = begin(desk.ada)

        def queries(page):
            with (
                CaptureQueriesContext(connection) as ours,
                CaptureQueriesContext(connections[PREVIEW]) as theirs,
            ):
                text_of(client, at(desk.ada, page))
            return len(ours), len(theirs)

        pages = ["", "agents/", "numbers/", "calls/", "usage/", "sessions/"]
        for page in pages:
            queries(page)
        before = {page: queries(page) for page in pages}
        with desk.database.platform():
            for _ in range(8):
                agent = make_agent(desk.ada)
                make_number(desk.ada, agent=agent)
                make_call(desk.ada, agent=agent)
                make_usage(agent)
                make_session(agent)
        assert {page: queries(page) for page in pages} == before


class TestRecord:
    def test_beginning_and_ending_are_readings_and_in_the_timeline(self, desk):
        client = begin(desk.ada, reason="Ticket 77")
        client.post(f"{at(desk.ada)}end/")
        ended, began = ReadLog.objects.filter(kind="preview", organization_id=desk.ada.pk)[:2]
        assert began.detail.startswith(f"Began as login {desk.ada.owner_id}, until")
        assert (began.actor_id, began.reason) == (client.user.pk, "Ticket 77")
        assert ended.detail.startswith("Ended after 0 min")
        timeline = text_of(client_of("finance"), f"/tenants/organizations/{desk.ada.pk}/timeline/")
        assert "began" in timeline and "tenant&#x27;s view" in timeline and "Ticket 77" in timeline

    def test_the_owners_other_tenants_are_told_too(self, desk):
        begin(desk.ada, reason="Ticket 78")
        assert ReadLog.objects.filter(
            kind="preview", organization_id=desk.second.pk, reason="Ticket 78"
        ).exists()

    def test_what_was_said_is_masked_and_logged(self, desk):
        client = begin(desk.ada, reason="Ticket 79")
        page = text_of(client, at(desk.ada, f"sessions/{desk.session.pk}/"))
        assert "Write to [email]" in page and "anna@example.com" not in page and "History of 12 May" in page
        entry = ReadLog.objects.filter(kind="transcript").first()
        assert (entry.row_id, entry.reason) == (str(desk.session.pk), "Ticket 79")
        assert entry.organization_id == desk.ada.pk and "tenant's view" in entry.detail
        assert "[phone]" in text_of(client, at(desk.ada, f"chats/{desk.chat.pk}/"))
