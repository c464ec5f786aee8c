"""Django admin: every table for every role by the matrix, through the same door for writes."""

import itertools
import re
from contextlib import suppress

import pytest
from django.contrib import admin as django_admin
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agents.models import Agent, AgentSession
from agents.tests.factories import (
    make_agent,
    make_chat_message,
    make_conversation,
    make_label,
    make_message,
    make_sample,
    make_session,
    make_setting_change,
)
from backoffice import jobs, kept, keyset, services, staff
from backoffice.admin_site import admin_url
from backoffice.health.findings import Finding
from backoffice.health.store import keep
from backoffice.models import AuditEvent, HealthFinding, Job, ReadLog, User
from backoffice.roles import MATRIX, NOT_FOR_ADMINS, READ_ONLY
from backoffice.testing import make_user, platform
from backoffice.tests import test_url_matrix as url_matrix
from billing.models import CreditLimit, CreditTransaction, Price
from billing.tests.factories import (
    make_adoption,
    make_bulk_posting,
    make_posting,
    make_price,
    make_request,
    make_run,
    make_settlement,
    make_settlement_day,
    make_statement,
    make_usage,
)
from telephony.models import PhoneNumber, SipTrunk
from telephony.tests.factories import make_call, make_conflict, make_number, make_trunk
from tenants.models import Organization, UserProfile
from tenants.tests.factories import change, make_item, make_login, make_note, make_organization, make_profile

ROLES = ["support", "finance", "manager", "admin"]
OWN = [model for model in django_admin.site._registry if model._meta.app_label != "procrastinate"]
QUEUE = [model for model in django_admin.site._registry if model._meta.app_label == "procrastinate"]


def make_job(owner=None):
    return Job.objects.create(
        kind="export", title="Export", owner=owner or make_user("admin", email="jobs@example.test")
    )


def make_event():
    organization = make_organization()
    change(organization, name="Renamed")
    return AuditEvent.objects.of(organization).first()


def make_health_finding():
    rule = f"rule{HealthFinding.objects.count()}"
    keep(["schema"], [Finding("schema", rule, "", "info", "An example")], rules=[rule])
    return HealthFinding.objects.get(rule=rule)


def make_reading():
    services.log_read(
        "reveal", make_session(), actor=make_user("admin", email=f"r{ReadLog.objects.count()}@example.test")
    )
    return ReadLog.objects.first()


def make_limit():
    return CreditLimit.objects.get(name="Finance")


MAKERS = {
    "tenants.organization": make_organization,
    "tenants.userprofile": make_profile,
    "tenants.note": make_note,
    "tenants.attentionitem": make_item,
    "agents.agent": make_agent,
    "agents.agentsession": make_session,
    "agents.agentmessage": make_message,
    "agents.chatsession": lambda: make_chat_message().session,
    "agents.chatmessage": make_chat_message,
    "agents.conversation": make_conversation,
    "agents.label": make_label,
    "agents.sample": lambda: make_sample(
        make_user("manager", email=f"draws{User.objects.count()}@example.test")
    ),
    "billing.adoption": make_adoption,
    "billing.creditrequest": lambda: make_request(
        make_user("support", email=f"asks{User.objects.count()}@example.test")
    ),
    "billing.creditlimit": make_limit,
    "telephony.siptrunk": make_trunk,
    "telephony.phonenumber": make_number,
    "telephony.calllog": make_call,
    "telephony.conflict": make_conflict,
    "billing.usagelog": make_usage,
    "billing.credittransaction": make_posting,
    "billing.reconciliationrun": make_run,
    "billing.bulkposting": make_bulk_posting,
    "billing.settlementday": make_settlement_day,
    "billing.settlement": make_settlement,
    "billing.statement": make_statement,
    "billing.price": lambda: make_price(f"model-{Price.objects.count()}"),
    "agents.settingchange": lambda: make_setting_change(
        make_user("support", email=f"changes{User.objects.count()}@example.test"), [make_agent()]
    ),
    "backoffice.healthfinding": make_health_finding,
    "backoffice.auditevent": make_event,
    "backoffice.readlog": make_reading,
    "backoffice.job": make_job,
    "backoffice.user": lambda: make_user("support", email=f"staff{User.objects.count()}@example.test"),
}
SMALL = {"backoffice.user", "backoffice.job", "backoffice.readlog", "billing.creditlimit"}
BIG = [label for label in MAKERS if label not in SMALL]


@pytest.fixture
def clients(support_client, finance_client, manager_client, admin_client):
    return dict(zip(ROLES, [support_client, finance_client, manager_client, admin_client], strict=True))


def allowed(role, model, action):
    """What the matrix says, read apart from the code under test."""
    label = model._meta.label_lower
    if role == "admin":
        name = f"{model._meta.app_label}.{action}_{model._meta.model_name}"
        return action == "view" or (label not in READ_ONLY and name not in NOT_FOR_ADMINS)
    words = MATRIX.get(label, {}).get(role.title(), "").split()
    return action in words or (action == "change" and "change_tier" in words)


def label_of(model):
    return model._meta.label_lower


def opened_form(client, obj):
    """What a browser would send back from the record's form, untouched."""
    form = client.get(admin_url(type(obj), "change", obj)).context["form"]
    values = {field.html_name: field.value() for field in form}
    return {name: getattr(value, "pk", value) for name, value in values.items() if value not in (None, False)}


def post(client, obj, page="change", **data):
    return client.post(admin_url(type(obj), page, obj), data)


class TestEveryTable:
    def test_all_of_them_are_there_and_nothing_of_other_packages(self):
        assert {label_of(model) for model in OWN} == {*MATRIX, "backoffice.user"} - {
            "backoffice.figure",  # sums by day, which mean something on the page of figures only
            "tenants.preview",  # who looked as a tenant, which readings and timelines tell
        }
        assert {model._meta.db_table for model in QUEUE} == {
            "procrastinate_jobs",
            "procrastinate_events",
            "procrastinate_workers",
            "procrastinate_periodic_defers",
        }

    @pytest.mark.parametrize("model", [*OWN, *QUEUE], ids=lambda model: model._meta.label)
    def test_any_of_their_lists_can_be_searched_by_its_address(self, admin_client, model):
        assert admin_client.get(admin_url(model, "changelist"), {"q": "zzz"}).status_code == 200

    def test_pages_open_by_the_matrix(self):
        """The reviewed list says so; that it is true, every sign-in asks in test_url_matrix.py."""
        reviewed = url_matrix.read(url_matrix.MATRIX.read_text())
        for model, role in itertools.product(OWN, ROLES):
            label, model_admin = label_of(model), django_admin.site._registry[model]
            sees, adds, edits = (allowed(role, model, action) for action in ("view", "add", "change"))
            opens = {
                "c": sees,
                "a": adds and model_admin.add_page is not None,
                "e": sees,
                "d": role == "admin" and model_admin.delete_page is not None,
                "h": sees,
            }
            column = url_matrix.COLUMNS.index(role.title())
            shown, written = (reviewed[f"admin: {label}", method][column] for method in ("GET", "POST"))
            assert shown == ("".join(page for page in opens if opens[page]) or "-"), (label, role)
            assert ("e" in written) == (edits and model_admin.edit_page is not None), (label, role)

    @pytest.mark.parametrize("model", [*OWN, *QUEUE], ids=label_of)
    def test_every_link_of_a_list_opens(self, admin_client, support, model):
        if model in OWN:
            MAKERS[label_of(model)]()
        page = admin_client.get(admin_url(model, "changelist"))
        links = set(re.findall(r'href="(\?[^"]*)"', page.text))
        assert bool(links) >= bool(django_admin.site._registry[model].list_filter)
        for link in links:
            answer = admin_client.get(admin_url(model, "changelist") + link.replace("&amp;", "&"))
            assert answer.status_code == 200, link

    @pytest.mark.parametrize("model", QUEUE, ids=label_of)
    def test_the_queue_is_for_superusers_to_look_at(self, clients, model):
        for role, client in clients.items():
            expected = 200 if role == "admin" else 403
            assert client.get(admin_url(model, "changelist")).status_code == expected
            assert client.get(admin_url(model, "add")).status_code == 403
            assert (
                client.post(
                    reverse(f"admin:procrastinate_{model._meta.model_name}_delete", args=[1])
                ).status_code
                == 403
            )

    def test_a_queued_job_shows(self, admin_client):
        job = jobs.start("export", title="Export", owner=admin_client.user)
        model = QUEUE[0]
        page = admin_client.get(admin_url(model, "changelist"))
        assert "run_job" in page.text
        page = admin_client.get(admin_url(model, "change", model.objects.latest("id")))
        assert str(job.pk) in page.text

    def test_a_refusal_names_what_is_missing(self, finance_client):
        page = finance_client.get(admin_url(Agent, "add"))
        assert "agents.add_agent" in page.text and "Finance" in page.text

    @pytest.mark.parametrize("role", ROLES)
    def test_the_index_offers_what_may_be_opened(self, clients, role):
        page = clients[role].get(reverse("admin:index"))
        for model in OWN:
            assert (admin_url(model, "changelist") in page.text) == allowed(role, model, "view"), model
        assert clients[role].get(reverse("admin:app_list", args=["agents"])).status_code == 200

    def test_a_record_that_is_not_there_is_404(self, admin_client):
        for wrong in ("foo", "00000000-0000-0000-0000-000000000000", "1", "_5F", "%00"):
            for page in ("change", "delete", "history"):
                assert (
                    admin_client.get(reverse(f"admin:agents_agent_{page}", args=[wrong])).status_code == 404
                )
        for wrong in ("foo", "99999999999999999999", "-99999999999999999999", "0"):
            with CaptureQueriesContext(connection) as queries:
                page = admin_client.get(reverse("admin:backoffice_auditevent_change", args=[wrong]))
            assert page.status_code == 404
            # A number that no key has is not looked for: as one that is larger than keys, no index would find it.
            assert not any("99999999999999999999" in query["sql"] for query in queries)

    def test_others_jobs_are_hidden(self, support_client, admin_client):
        job = make_job(admin_client.user)
        assert str(job.pk) not in support_client.get(admin_url(Job, "changelist")).text
        own = make_job(support_client.user)
        for _ in range(2):  # whoever asked before, and whichever statement that left
            assert admin_client.get(admin_url(Job, "change", job)).status_code == 200
            assert support_client.get(admin_url(Job, "change", job)).status_code == 404
            assert support_client.get(admin_url(Job, "change", own)).status_code == 200

    def test_its_pages_keep_one_statement_each(self, admin_client):
        agents = [make_agent() for _ in range(3)]
        admin_client.get(admin_url(Agent, "change", agents[0]))
        before = len(kept.KEPT)
        for agent in agents:
            assert admin_client.get(admin_url(Agent, "change", agent)).status_code == 200
        assert len(kept.KEPT) == before


class TestSigningIn:
    def test_strangers_go_to_our_sign_in_and_come_back(self, client, db):
        for path in ("/admin/", "/admin/login/", "/admin/tenants/organization/"):
            answer = client.get(path, follow=True)
            address, status = answer.redirect_chain[-1]
            assert status == 302 and address.startswith("/accounts/login/?next=/admin/"), path

    def test_signing_out_and_passwords_are_allauths(self, support_client):
        assert support_client.get("/admin/logout/").url == reverse("account_logout")
        assert support_client.get("/admin/password_change/").url == reverse("account_change_password")
        assert support_client.get("/admin/login/").url == "/admin/"

    def test_an_account_without_admin_is_told_so(self, support_client):
        User.objects.update(is_staff=False)
        answer = support_client.get("/admin/", follow=True)
        assert answer.status_code == 403 and "may not use Django admin" in answer.text

    def test_pages_of_the_original_that_are_not_used_are_closed(self, admin_client):
        assert (
            admin_client.get(
                "/admin/autocomplete/?app_label=agents&model_name=agent&field_name=organization"
            ).status_code
            == 404
        )


class TestLists:
    @pytest.mark.parametrize("label", BIG)
    def test_as_many_queries_for_ten_rows_as_for_one(
        self, label, admin_client, django_assert_max_num_queries
    ):
        make = MAKERS[label]
        url = admin_url(type(make()), "changelist")
        admin_client.get(url)
        counts = []
        for more in (0, 9):
            for _ in range(more):
                make()
            with django_assert_max_num_queries(8) as queries:
                page = admin_client.get(url)
            assert page.status_code == 200
            counts.append(len(queries))
        assert len(page.context["cl"].result_list) >= 10
        assert counts[0] == counts[1]

    @pytest.mark.parametrize("params", [{}, {"q": "gpt-4o"}, {"channel__exact": "text"}])
    def test_nobody_counts_a_whole_table(self, admin_client, django_assert_max_num_queries, params):
        usage = make_usage()
        with django_assert_max_num_queries(8) as queries:
            admin_client.get(admin_url(type(usage), "changelist"), params)
        counting = [query["sql"] for query in queries if "COUNT(" in query["sql"].upper()]
        # That of the navigation as well.
        assert counting and all("LIMIT 100" in sql.upper() for sql in counting)

    def test_a_long_list_ends_with_a_sentence(self, admin_client, monkeypatch):
        make_call()
        monkeypatch.setattr(keyset, "total", lambda queryset, filtered: keyset.Total(1_234_567, "about"))
        url = admin_url(type(make_call()), "changelist")
        page = admin_client.get(url)
        assert (
            "1,234,567" in page.text and "first 10,000 rows" in page.text and "/telephony/calls/" in page.text
        )
        assert "?p=200" in page.text and "?p=201" not in page.text
        page = admin_client.get(url + "?p=5000")
        assert page.context["cl"].page_num == 200 and "has no such page" in page.text

    def test_pages_by_number(self, admin_client):
        trunks = [make_trunk() for _ in range(51)]
        url = admin_url(SipTrunk, "changelist")
        first, second = (list(admin_client.get(f"{url}?p={n}").context["cl"].result_list) for n in (1, 2))
        assert len(first) == 50 and len(second) == 1 and {*first, *second} == {*trunks}
        for wrong in ("0", "-3", "foo", "999999999999999999999"):
            assert admin_client.get(f"{url}?p={wrong}").status_code == 200

    def test_rows_without_a_time_come_last(self, support_client):
        dateless, dated = make_call(created_at=None), make_call()
        page = support_client.get(admin_url(type(dated), "changelist"))
        assert list(page.context["cl"].result_list) == [dated, dateless]

    @pytest.mark.parametrize("label", BIG)
    def test_sorting_uses_indexed_keys_only(self, label, admin_client):
        model = type(MAKERS[label]())
        for order in [*range(-9, 9), "0.1.-2", "x", "99", "-"]:
            assert admin_client.get(admin_url(model, "changelist"), {"o": str(order)}).status_code == 200
        page = admin_client.get(admin_url(model, "changelist"), {"o": "0.1"})
        assert len(page.context["cl"].queryset.query.order_by) == 2

    def test_no_bulk_actions_and_no_writing_by_the_list(self, admin_client):
        organization = make_organization()
        url = admin_url(Organization, "changelist")
        page = admin_client.get(url)
        assert "delete_selected" not in page.text and 'name="action"' not in page.text
        answer = admin_client.post(
            url,
            {"action": "delete_selected", "_selected_action": [organization.pk], "index": 0, "post": "yes"},
        )
        assert answer.status_code == 405
        assert Organization.objects.filter(pk=organization.pk).exists()

    def test_search_finds_by_id_mail_and_number(self, support_client):
        number, other = make_number(e164="+442079460000"), make_number()
        profile = make_profile(email="ada@example.test")
        make_profile()

        def found(model, text):
            page = support_client.get(admin_url(model, "changelist"), {"q": text})
            return list(page.context["cl"].result_list)

        assert found(PhoneNumber, "020 7946 0000"[1:]) == [number] == found(PhoneNumber, str(number.pk))
        assert found(UserProfile, "ada@example.test") == [profile]
        assert found(PhoneNumber, "nothing like it") == []
        assert set(found(PhoneNumber, "a\0b")) == {number, other}

    def test_filters(self, support_client):
        active, released = make_number(), make_number(status="released")
        url = admin_url(PhoneNumber, "changelist")
        assert list(support_client.get(url, {"status__exact": "released"}).context["cl"].result_list) == [
            released
        ]
        found = support_client.get(url, {"organization__id__exact": active.organization_id})
        assert list(found.context["cl"].result_list) == [active]
        for value in ("foo", "\0"):
            answer = support_client.get(url, {"organization__id__exact": value}, follow=True)
            assert answer.status_code == 200 and "could not be understood" in answer.text
            assert support_client.get(url, {"status__exact": value}, follow=True).status_code == 200

    @pytest.mark.parametrize(
        "lookup",
        [
            "content__contains",
            "content__regex",
            "session__messages__content__contains",
            "created_at__gte",
            "pk__in",
        ],
    )
    def test_a_question_about_content_is_not_answered_by_the_rows(self, finance_client, lookup, caplog):
        make_message(content="My card is 4111 1111 1111 1111")
        answer = finance_client.get(admin_url(type(make_message()), "changelist"), {lookup: "card"})
        assert answer.status_code == 400 and "we cannot read" in answer.text
        assert not [record for record in caplog.records if record.levelname == "ERROR"]


class TestWriting:
    def test_a_change_leaves_who_and_why(self, support_client):
        number = make_number()
        data = opened_form(support_client, number) | {"provider_sid": "PN9", "reason": "Moved provider"}
        answer = post(support_client, number, **data)
        assert answer.status_code == 302 and answer.url == admin_url(PhoneNumber, "change", number)
        event = AuditEvent.objects.of(number).get(action="update")
        assert (event.actor_id, event.reason, event.source) == (
            support_client.user.pk,
            "Moved provider",
            "app",
        )
        assert event.changes == {"provider_sid": [None, "PN9"]}
        assert "Moved provider" in support_client.get(admin_url(PhoneNumber, "history", number)).text
        assert not LogEntry.objects.exists()

    def test_adding_leaves_who_and_why(self, support_client):
        organization = make_organization()
        data = {
            "e164": "+44 20 7946 0000",
            "organization": organization.pk,
            "provider": "twilio",
            "reason": "New line",
        }
        answer = support_client.post(admin_url(PhoneNumber, "add"), data)
        number = PhoneNumber.objects.get(organization=organization)
        assert answer.url == admin_url(PhoneNumber, "change", number) and number.e164 == "+442079460000"
        assert AuditEvent.objects.of(number).get().reason == "New line"

    def test_a_conflict_shows_both_values_and_loses_nothing(self, support_client):
        organization = make_organization(name="Before")
        data = opened_form(support_client, organization) | {"name": "Mine", "reason": "Renamed"}
        change(organization, name="Theirs")
        answer = post(support_client, organization, **data)
        assert answer.status_code == 409
        for text in ("Before", "Theirs", "Mine", "Renamed", admin_url(Organization, "change", organization)):
            assert text in answer.text
        organization.refresh_from_db()
        assert organization.name == "Theirs"
        again = {name: value for name, value in data.items() if name != "opened"}
        (again["opened"],) = re.findall(r'name="opened" value="([^"]+)"', answer.text)
        assert post(support_client, organization, **again, keep_name="mine").status_code == 302
        organization.refresh_from_db()
        assert organization.name == "Mine"

    def test_a_form_not_opened_here_saves_nothing(self, support_client):
        organization = make_organization(name="Before")
        answer = post(support_client, organization, name="Mine", reason="x", opened="forged")
        organization.refresh_from_db()
        assert answer.status_code == 422 and organization.name == "Before"

    def test_fields_outside_the_form_are_not_written(self, support_client, admin_client):
        for client in (support_client, admin_client):
            organization = make_organization(name="Before", credits_balance="5.00")
            data = opened_form(client, organization) | {
                "name": "After",
                "credits_balance": "999",
                "reason": "x",
            }
            post(client, organization, **data)
            organization.refresh_from_db()
            assert (organization.name, str(organization.credits_balance)) == ("After", "5.00")

    def test_json_that_may_hold_secrets_is_not_edited_and_not_shown(self, support_client, admin_client):
        agent = make_agent(
            config={"sip": {"password": "hunter2"}, "apiKey": "sk-1"},
            custom_headers={"Authorization": "Bearer x1"},
        )
        for client in (support_client, admin_client):
            page = client.get(admin_url(Agent, "change", agent))
            assert {"config", "custom_headers"}.isdisjoint(page.context["form"].fields)
            assert "custom headers" in page.text.lower()
            for secret in ("hunter2", "sk-1", "Bearer x1"):
                assert secret not in page.text
            data = opened_form(client, agent)
            post(client, agent, **data | {"config": "{}", "name": "Other", "reason": "x"})
            agent.refresh_from_db()
            assert agent.config["sip"]["password"] == "hunter2"

    def test_a_search_without_javascript_keeps_what_was_typed(self, support_client):
        agent = make_agent(name="Front desk")
        number = make_number(agent.organization)
        data = opened_form(support_client, number) | {
            "provider_sid": "typed",
            "_pick": "agent",
            "agent_search": "Front",
        }
        answer = post(support_client, number, **data)
        assert answer.status_code == 200 and "Front desk" in answer.text and "typed" in answer.text
        number.refresh_from_db()
        assert number.provider_sid is None

    def test_tier_is_finances_and_the_person_is_supports(self, clients):
        profile = make_profile()
        support, finance, everything = (
            set(clients[role].get(admin_url(UserProfile, "change", profile)).context["form"].fields)
            for role in ("support", "finance", "admin")
        )
        assert support & finance == {"reason", "opened"}
        assert "subscription_tier" in finance and "email" in support and everything == support | finance
        data = opened_form(clients["finance"], profile)
        post(
            clients["finance"],
            profile,
            **data | {"subscription_tier": "pro", "email": "x@example.test", "reason": "x"},
        )
        before, after = profile.email, UserProfile.objects.get(pk=profile.pk)
        assert (after.subscription_tier, after.email) == ("pro", before)
        assert "form" not in clients["manager"].get(admin_url(UserProfile, "change", profile)).context

    def test_a_new_organization_belongs_to_an_existing_login(self, support_client):
        login = make_login("ada@example.test")
        data = {"name": "Second", "login": "ada@example.test", "reason": "Asked for"}
        assert support_client.post(admin_url(Organization, "add"), data).status_code == 302
        assert Organization.objects.get(name="Second").owner_id == login


class TestDeleting:
    def test_needs_a_reason_and_leaves_an_entry(self, admin_client):
        trunk = make_trunk()
        assert post(admin_client, trunk, "delete").status_code == 422
        answer = post(admin_client, trunk, "delete", reason="Left", confirm=str(trunk))
        assert answer.url == admin_url(SipTrunk, "changelist")
        event = AuditEvent.objects.of(trunk).get(action="delete")
        assert (event.actor_id, event.reason) == (admin_client.user.pk, "Left")

    def test_what_would_cascade_is_refused_with_a_sentence(self, admin_client):
        agent = make_session().agent
        page = admin_client.get(admin_url(Agent, "delete", agent))
        assert "cannot be deleted" in page.text and "1 agent session" in page.text
        answer = post(admin_client, agent, "delete", reason="Left", confirm=str(agent), name=str(agent))
        assert answer.status_code == 422
        assert (
            Agent.objects.filter(pk=agent.pk).exists() and AgentSession.objects.filter(agent=agent).exists()
        )

    def test_is_for_admins_only(self, support_client):
        trunk = make_trunk()
        assert post(support_client, trunk, "delete", reason="Left").status_code == 403
        assert "/delete/" not in support_client.get(admin_url(SipTrunk, "change", trunk)).text
        assert SipTrunk.objects.filter(pk=trunk.pk).exists()

    def test_the_ledger_cannot_be_touched(self, admin_client):
        posting = make_posting()
        for page in ("change", "delete"):
            assert post(admin_client, posting, page, reason="x", amount="1").status_code == 403
        assert CreditTransaction.objects.filter(pk=posting.pk).exists()


SAID = "Call me on +44 20 7946 0123 about the blue sofa"


class TestReading:
    @pytest.fixture
    def talk(self):
        session = make_session(
            conversation_history=[
                {"role": "user", "content": SAID, "timestamp": "2025-12-14T09:30:01.120000"}
            ],
            context_data={"knowledge": ["The grey sofa is 4111 1111 1111 1111"], "n": 4111111111111111},
        )
        return [session, make_message(session, content=SAID), make_chat_message(text=SAID)]

    @pytest.mark.parametrize("role", ["support", "manager", "admin"])
    def test_content_is_masked_and_logged(self, clients, talk, role):
        for row in talk:
            page = clients[role].get(admin_url(type(row), "change", row))
            assert "blue sofa" in page.text and "7946" not in page.text and "4111" not in page.text
            entry = ReadLog.objects.of(row).get()
            assert (entry.kind, entry.actor_id) == ("transcript", clients[role].user.pk)
        assert "grey sofa" in clients[role].get(admin_url(AgentSession, "change", talk[0])).text

    def test_json_alone_is_logged_too(self, support_client):
        session = make_session(context_data={"knowledge": ["The grey sofa"]})
        page = support_client.get(admin_url(AgentSession, "change", session))
        assert "grey sofa" in page.text and ReadLog.objects.of(session).count() == 1

    def test_finance_sees_that_it_took_place_not_what_was_said(self, finance_client, talk):
        for row in talk:
            for page in ("change", "history"):
                answer = finance_client.get(admin_url(type(row), page, row))
                assert answer.status_code == 200 and "sofa" not in answer.text
            assert "sofa" not in finance_client.get(admin_url(type(row), "changelist")).text
        assert not ReadLog.objects.exists()

    def test_lists_show_no_content(self, support_client, talk):
        for row in talk:
            assert "sofa" not in support_client.get(admin_url(type(row), "changelist")).text

    def test_a_trunks_password_is_nowhere(self, clients):
        trunk = make_trunk(password="hunter2")
        for client in clients.values():
            for url in (admin_url(SipTrunk, page, obj) for page, obj in [
                ("changelist", None), ("change", trunk), ("history", trunk), ("add", None), ("delete", trunk)
            ]):  # fmt: skip
                assert "hunter2" not in client.get(url).text
        page = clients["support"].get(admin_url(SipTrunk, "change", trunk))
        assert reverse("telephony:siptrunk_password", args=[trunk.pk]) in page.text


class TestOddRows:
    @pytest.mark.parametrize("label", [label for label in MAKERS if not label.startswith("backoffice.")])
    def test_show_in_list_record_and_form(self, label, admin_client):
        row = MAKERS[label]()
        table = row._meta.db_table  # with its schema, or in the search path
        fields = [
            field
            for field in row._meta.concrete_fields
            if not field.primary_key and not field.is_relation and field.column != "role"
        ]
        odd = {models.DateTimeField: "infinity", models.JSONField: '{"a": [null, "x"]}'}
        append_only = label in ("billing.credittransaction", "billing.statement")
        for text in [] if append_only else ["exploded <b>", None]:
            for field in fields:
                value = next((value for kind, value in odd.items() if isinstance(field, kind)), None)
                if isinstance(field, models.CharField | models.TextField):
                    value = (text or "")[: field.max_length] if not field.null or text else None
                if value is None and not field.null:
                    continue
                refused_by_ours = IntegrityError if label.startswith("billing.") else ()
                with suppress(refused_by_ours), platform(), connection.cursor() as cursor:
                    cursor.execute(f'update {table} set "{field.column}" = %s where id = %s', [value, row.pk])
            self.open(admin_client, row)
        self.open(admin_client, row)

    def open(self, client, row):
        for page, obj in (("changelist", None), ("change", row), ("history", row)):
            answer = client.get(admin_url(type(row), page, obj))
            assert answer.status_code == 200
            assert "exploded <b>" not in answer.text


class TestAccounts:
    @pytest.fixture
    def ada(self, db):
        return make_user("support", email="ada@example.test", first_name="Ada")

    def fill(self, client, user, **data):
        return opened_form(client, user) | {"reason": "Asked by the manager"} | data

    def test_are_made_by_an_invitation(self, admin_client):
        data = {"email": "New@Example.test", "role": "Finance"}
        url = admin_url(User, "add")
        assert admin_client.post(url, data).status_code == 422  # no reason
        answer = admin_client.post(url, data | {"reason": "Joins"})
        assert answer.status_code == 200 and "/invitation/#" in answer.text
        user = User.objects.get(email="new@example.test")
        assert (user.role, user.is_superuser, user.has_usable_password()) == ("Finance", False, False)
        given = AuditEvent.objects.get(table_name="backoffice.backoffice_user_groups", new__user_id=user.pk)
        assert (given.actor_id, given.reason) == (admin_client.user.pk, "Joins")

    @pytest.mark.parametrize("role", ["Finance", "Manager", "Admin", "No role"])
    def test_get_another_role_with_a_reason(self, admin_client, ada, role):
        assert post(admin_client, ada, **self.fill(admin_client, ada, role=role)).status_code == 302
        user = User.objects.get(pk=ada.pk)
        assert (user.role, user.is_superuser) == (role, role == "Admin")
        page = admin_client.get(admin_url(User, "history", ada))
        assert "Asked by the manager" in page.text
        events = AuditEvent.objects.filter(reason="Asked by the manager")
        assert events and {event.actor_id for event in events} == {admin_client.user.pk}

    def test_are_suspended(self, admin_client, ada, client):
        client.force_login(ada)
        data = self.fill(admin_client, ada)
        data.pop("is_active")
        assert post(admin_client, ada, **data).status_code == 302
        assert client.get("/").status_code == 302

    def test_nobody_changes_their_own_role(self, admin_client):
        user = admin_client.user
        make_user("admin", email="second@example.test")
        assert {"role", "is_active"}.isdisjoint(
            admin_client.get(admin_url(User, "change", user)).context["form"].fields
        )
        data = self.fill(admin_client, user, role="Support", first_name="Grace")
        assert post(admin_client, user, **data).status_code == 302
        user = User.objects.get(pk=user.pk)
        assert (user.is_superuser, user.is_active, user.first_name) == (True, True, "Grace")
        assert post(admin_client, user, "delete", reason="x", confirm=str(user)).status_code == 422

    def test_the_last_active_admin_stays(self, admin_client):
        last = make_user("admin", email="last@example.test")
        User.objects.filter(pk=admin_client.user.pk).update(is_active=False)
        actor = make_user("support", email="actor@example.test")
        for name, value in (("role", "Support"), ("is_active", False)):
            user = User.objects.get(pk=last.pk)
            setattr(user, name, value)
            with pytest.raises(ValidationError, match="last active admin"):
                staff.save_account(user, actor=actor, reason="x")
        with pytest.raises(ValidationError, match="last active admin"):
            staff.delete_account(last, actor=actor, reason="x")

    def test_a_role_changed_meanwhile_is_a_conflict(self, admin_client, ada):
        data = self.fill(admin_client, ada, role="Finance")
        user = User.objects.get(pk=ada.pk)
        user.role = "Manager"
        staff.save_account(user, actor=admin_client.user, reason="Promoted")
        answer = post(admin_client, ada, **data)
        assert answer.status_code == 409 and "Manager" in answer.text and "Finance" in answer.text
        assert User.objects.get(pk=ada.pk).role == "Manager"

    def test_are_deleted_when_nothing_hangs_on_them(self, admin_client, ada):
        make_job(ada)
        assert "cannot be deleted" in admin_client.get(admin_url(User, "delete", ada)).text
        assert post(admin_client, ada, "delete", reason="Left", confirm=str(ada)).status_code == 422
        Job.objects.all().delete()
        assert post(admin_client, ada, "delete", confirm=str(ada)).status_code == 422
        assert post(admin_client, ada, "delete", reason="Left", confirm=str(ada)).status_code == 302
        assert AuditEvent.objects.of(ada).get(action="delete").reason == "Left"

    def test_are_for_superusers_only(self, clients, ada):
        for role in ("support", "finance", "manager"):
            client = clients[role]
            for url in (
                admin_url(User, "changelist"), admin_url(User, "add"), admin_url(User, "change", ada),
                admin_url(User, "delete", ada), admin_url(User, "history", ada),
            ):  # fmt: skip
                assert client.get(url).status_code == 403
                assert client.post(url, {"reason": "x", "role": "Admin"}).status_code in (403, 405)


def test_records_of_the_queue_open_for_admins(admin_client, admin):
    jobs.start("export", title="An export", owner=admin, list="tenants:organization_list", query="")
    rows = [row for model in QUEUE for row in model.objects.all()]
    assert len(rows) >= 2  # a job and its event
    for row in rows:
        assert admin_client.get(admin_url(type(row), "change", row)).status_code == 200, row


def test_pages_keep_to_the_policy_in_a_browser(live_app):
    with live_app.platform():
        agent = make_agent()
        rows = [agent, make_session(agent)]
        user = make_user("support", email="ada@example.test")
    live_app.login("admin")
    page = live_app.page
    paths = ["/admin/", "/admin/agents/"]
    for row in [*rows, user]:
        paths += [admin_url(type(row), "changelist")]
        paths += [admin_url(type(row), name, row) for name in ("change", "history", "delete")]
    paths += [admin_url(type(row), "add") for row in (agent, user)]
    for path in paths:
        assert page.goto(path).status == 200, path
        assert page.locator("h1").count() == 1, path
    assert not live_app.errors
