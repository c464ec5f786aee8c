"""Undo: values come back exactly, nothing of somebody else's is overwritten, and only those who may write."""

import threading
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.urls import reverse

from agents.services import close_session
from agents.tests.factories import make_agent, make_session
from backoffice import jobs, services
from backoffice.logs import request_id
from backoffice.models import AuditEvent, Job
from backoffice.reverts import Differs, revert, revert_batch
from backoffice.testing import make_user
from backoffice.testing_crud import check_page, form_values
from telephony.models import CallLog, PhoneNumber
from telephony.services import release_number, set_trunk_password
from telephony.tests.factories import make_call, make_number, make_trunk
from tenants.models import Organization, UserProfile
from tenants.tests.factories import change, make_organization, make_profile

LISTS = ["backchannel_words", "boosted_keywords", "pii_redaction_list"]


def edit(obj, actor, reason="r", **fields):
    """An edit in the back office; gives its audit event."""
    obj = type(obj).objects.get(pk=obj.pk)
    for name, value in fields.items():
        setattr(obj, name, value)
    services.save(obj, actor=actor, reason=reason)
    return last(obj)


def last(obj):
    return AuditEvent.objects.of(obj).first()


def page(event):
    return reverse("backoffice:auditevent_revert", args=[event.pk])


def raw(obj, column):
    with connection.cursor() as cursor:
        cursor.execute(f'select "{column}"::text from {obj._meta.db_table} where id = %s', [obj.pk])
        return cursor.fetchone()[0]


class TestExactly:
    @pytest.mark.parametrize(
        ("column", "stored", "other"),
        [
            ("description", "'two\r\nlines '", "x"),
            ("description", "''", "x"),
            ("description", "null", "x"),
            ("description", "'{\"a\":1}'", "x"),
            ("system_prompt", "'\u202eé  '", None),
            ("temperature", "'-9.99'", Decimal("1.00")),
            ("temperature", "null", Decimal("0.10")),
            ("temperature", "'0.10'", None),
            ("max_tokens", "'-2147483648'", 5),
            ("enable_backchannel", "null", True),
            ("enable_backchannel", "true", False),
            ("ambient_sound", "'a sound of its own'", "cafe"),
            ("boosted_keywords", "'[\"a\", null, {\"b\": 1.0}]'", []),
            ("boosted_keywords", "'{}'", ["x"]),
            ("config", "'{\"n\": 0.12345678901234567890, \"big\": 123456789012345678901234567890, \"t\": true}'", {}),
            ("config", "null", {"a": 1}),
            ("is_published", "null", True),
        ],
    )  # fmt: skip
    def test_the_value_of_before_comes_back(self, support, owner, column, stored, other):
        agent = make_agent()
        owner(f"update agents set {column} = {stored} where id = %s", [agent.pk])
        before = raw(agent, column)
        event = edit(agent, support, **{column: other})
        assert raw(agent, column) != before
        assert revert(event, actor=support, reason="Undo") == [column]
        assert raw(agent, column) == before
        assert last(agent).reason == "Undo" and set(last(agent).new) == {column}

    def test_a_time_comes_back_to_the_microsecond_and_infinity_too(self, support, owner):
        for time in ("2026-01-02 03:04:05.000007+00", "infinity"):
            session = make_session()
            owner("update agent_sessions set ended_at = %s where id = %s", [time, session.pk])
            event = edit(session, support, ended_at=None)
            revert(event, actor=support, reason="Undo")
            assert raw(session, "ended_at") == time

    def test_true_is_not_taken_for_one(self, support, owner):
        agent = make_agent(config={"a": True})
        event = edit(agent, support, config={"b": 2})
        owner("update agents set config = %s where id = %s", ['{"b": true}', agent.pk])
        owner("update agents set config = %s where id = %s", ['{"b": 2.0}', agent.pk])
        with pytest.raises(Differs):
            revert(event, actor=support, reason="Undo")

    def test_a_number_goes_back_to_its_agent(self, support):
        number = make_number(agent=make_agent())
        event = edit(number, support, agent_id=None)
        revert(event, actor=support, reason="Undo")
        assert PhoneNumber.objects.get(pk=number.pk).agent_id == number.agent_id

    def test_only_what_the_change_wrote_is_written(self, support):
        profile = make_profile(full_name="A", company_name="B")
        event = edit(profile, support, full_name="C")
        change(profile, company_name="Theirs")
        revert(event, actor=support, reason="Undo")
        profile.refresh_from_db()
        assert (profile.full_name, profile.company_name) == ("A", "Theirs")

    def test_undo_of_an_undo_is_the_change_again(self, support):
        profile = make_profile(full_name="A")
        revert(edit(profile, support, full_name="B"), actor=support, reason="Undo")
        revert(last(profile), actor=support, reason="Undo of the undo")
        profile.refresh_from_db()
        assert profile.full_name == "B"

    def test_what_was_changed_outside_can_be_undone(self, support):
        tenant = change(make_organization(name="Ours"), name="Changed in SQL")
        revert(last(tenant), actor=support, reason="Undo")
        assert Organization.objects.get(pk=tenant.pk).name == "Ours"


class TestDiffers:
    def test_another_value_by_now_is_asked_about(self, support):
        profile = make_profile(full_name="A")
        event = edit(profile, support, full_name="B")
        change(profile, full_name="C")
        with pytest.raises(Differs) as caught:
            revert(event, actor=support, reason="Undo")
        (one,) = caught.value.change.fields
        assert (one.before, one.written, one.stored, one.state) == ("A", "B", "C", "differs")

    @pytest.mark.parametrize(("answer", "value"), [("before", "A"), ("written", "B"), ("stored", "C")])
    def test_each_of_the_three_values_can_be_chosen(self, support, answer, value):
        profile = make_profile(full_name="A")
        event = edit(profile, support, full_name="B")
        change(profile, full_name="C")
        answers = {"full_name": answer}
        revert(event, actor=support, reason="r", answers=answers, seen={"full_name": '"C"'})
        profile.refresh_from_db()
        assert profile.full_name == value

    def test_an_answer_holds_only_for_what_was_seen(self, support):
        profile = make_profile(full_name="A")
        event = edit(profile, support, full_name="B")
        change(profile, full_name="D")
        with pytest.raises(Differs):
            revert(
                event, actor=support, reason="r", answers={"full_name": "before"}, seen={"full_name": '"C"'}
            )
        profile.refresh_from_db()
        assert profile.full_name == "D"


class TestRefusals:
    def test_a_field_needs_its_permission(self, support, finance):
        profile = make_profile()
        event = edit(profile, finance, subscription_tier="pro")
        with pytest.raises(ValidationError, match=r"lacks the permission tenants\.change_tier"):
            revert(event, actor=support, reason="r")
        revert(event, actor=finance, reason="r")
        assert UserProfile.objects.get(pk=profile.pk).subscription_tier == "free"

    def test_a_call_is_put_right_by_finance_and_a_session_by_support(self, support, finance, manager):
        call, session = make_call(), make_session()
        corrected = edit(call, finance, cost=Decimal("1.2345"))
        close_session(session, actor=support, reason="r")
        for wrong in (support, manager):
            with pytest.raises(ValidationError):
                revert(corrected, actor=wrong, reason="r")
        revert(corrected, actor=finance, reason="r")
        assert CallLog.objects.get(pk=call.pk).cost == call.cost
        with pytest.raises(ValidationError):
            revert(last(session), actor=finance, reason="r")
        assert set(revert(last(session), actor=support, reason="r")) == {"status", "ended_at"}

    @pytest.mark.parametrize(
        "fields",
        [{"custom_headers": {"X-Tenant": "b"}}, {"config": {"sip": {"password": "other"}}},
         {"webhook_url": "https://other.example/?token=2"}],
    )  # fmt: skip
    def test_secrets_are_not_put_back_and_it_says_so(self, support, fields):
        agent = make_agent(
            custom_headers={"X-Tenant": "a"},
            config={"sip": {"password": "p"}},
            webhook_url="https://me:secret@example.test/?token=1",
        )
        event = edit(agent, support, **fields)
        with pytest.raises(ValidationError, match="does not keep secrets"):
            revert(event, actor=support, reason="r")

    def test_a_trunks_password_is_not_put_back(self, support):
        trunk = make_trunk(password="one")
        set_trunk_password(trunk, actor=support, reason="r", password="two")
        with pytest.raises(ValidationError, match="does not keep secrets"):
            revert(last(trunk), actor=support, reason="r")

    def test_a_balance_is_never_put_back(self, admin, owner):
        tenant = make_organization()
        event = AuditEvent.objects.of(tenant).first()
        event.action, event.old, event.new = "update", {"credits_balance": 5}, {"credits_balance": 0}
        with pytest.raises(ValidationError, match="may not change it"):
            revert(event, actor=admin, reason="r")

    def test_a_creation_and_a_deletion_are_not_undone_here(self, support, admin):
        trunk = make_trunk()
        with pytest.raises(ValidationError, match="deleting it"):
            revert(last(trunk), actor=support, reason="r")
        services.delete(trunk, actor=admin, reason="r")
        with pytest.raises(ValidationError, match="not brought back"):
            revert(last(trunk), actor=admin, reason="r")

    def test_the_model_has_the_last_word(self, support):
        profile = change(make_profile(), email="no mail address")
        event = edit(profile, support, email="fine@example.test")
        with pytest.raises(ValidationError, match="not accepted"):
            revert(event, actor=support, reason="r")

    def test_a_value_that_is_taken_by_now_says_so(self, support):
        number = make_number(e164="+14155550001")
        event = edit(number, support, e164="+14155550002")
        make_number(e164="+14155550001")
        with pytest.raises(ValidationError, match="already exists"):
            revert(event, actor=support, reason="r")

    def test_another_tenants_agent_is_not_assigned_again(self, support):
        agent = make_agent()
        number = make_number(agent=agent)
        event = edit(number, support, agent_id=None)
        change(number, organization_id=make_organization().pk)
        with pytest.raises(ValidationError, match="another organization"):
            revert(event, actor=support, reason="r")


class TestPage:
    def test_one_click_puts_back_and_offers_the_undo_of_it(self, support_client, support):
        tenant = make_organization(name="A")
        event = edit(tenant, support, name="B")
        response = support_client.post(page(event), {}, follow=True)
        html = check_page(response)
        assert Organization.objects.get(pk=tenant.pk).name == "A"
        assert last(tenant).reason == f"Undo of change {event.pk}"
        assert f'action="{page(last(tenant))}"' in html
        support_client.post(page(last(tenant)), {})
        assert Organization.objects.get(pk=tenant.pk).name == "B"

    def test_a_save_offers_its_undo_in_the_toast(self, support_client):
        tenant = make_organization(name="A")
        url = reverse("tenants:organization_edit", args=[tenant.pk])
        data = {**form_values(support_client.get(url)), "name": "B"}
        html = check_page(support_client.post(url, data, follow=True))
        assert f'action="{page(last(tenant))}"' in html
        unchanged = check_page(support_client.post(url, form_values(support_client.get(url)), follow=True))
        assert "/revert/" not in unchanged.split('id="history"')[0]

    def test_one_click_asks_where_something_else_is_stored(self, support_client, support):
        tenant = make_organization(name="A")
        event = edit(tenant, support, name="B")
        change(tenant, name="C")
        response = support_client.post(page(event), {"next": "/jobs/"})
        html = check_page(response, 409)
        assert all(f'name="pick_name" value="{value}"' in html for value in ("before", "written", "stored"))
        data = form_values(response)
        assert "pick_name" not in data and data["reason"] == f"Undo of change {event.pk}"
        html = check_page(support_client.post(page(event), data), 422)
        assert "Choose one of the values" in html
        done = support_client.post(page(event), {**data, "pick_name": "written", "reason": "As agreed"})
        assert (done.status_code, done.url) == (302, "/jobs/")
        assert Organization.objects.get(pk=tenant.pk).name == "B" and last(tenant).reason == "As agreed"

    def test_a_change_while_the_page_was_open_is_asked_about_with_all_that_was_typed(
        self, support_client, support
    ):
        tenant = make_organization(name="A")
        event = edit(tenant, support, name="B")
        data = {**form_values(support_client.get(page(event))), "reason": "Typed"}
        assert data["pick_name"] == "before"
        change(tenant, name="C")
        response = support_client.post(page(event), data)
        html = check_page(response, 409)
        assert "while this page was open" in html
        assert form_values(response)["reason"] == "Typed" and form_values(response)["pick_name"] == "before"
        assert Organization.objects.get(pk=tenant.pk).name == "C"
        assert support_client.post(page(event), form_values(response)).status_code == 302
        assert Organization.objects.get(pk=tenant.pk).name == "A"

    def test_one_field_of_several_can_be_undone(self, support_client, support):
        profile = make_profile(full_name="A", company_name="B")
        event = edit(profile, support, full_name="C", company_name="D")
        html = check_page(support_client.get(profile.get_absolute_url()))
        assert "Undo all" in html and f"{page(event)}?field=company_name" in html
        response = support_client.get(f"{page(event)}?field=company_name")
        assert "Full name" not in check_page(response)
        support_client.post(f"{page(event)}?field=company_name", form_values(response))
        profile.refresh_from_db()
        assert (profile.full_name, profile.company_name) == ("C", "B")
        html = check_page(support_client.get(profile.get_absolute_url()))
        assert f"{page(event)}?field=company_name" not in html and f"{page(event)}?field=full_name" in html
        assert support_client.get(f"{page(event)}?field=nonsense").status_code == 404

    def test_history_offers_undo_to_those_who_may_only(
        self, support_client, finance_client, manager_client, support
    ):
        profile = make_profile()
        event = edit(profile, support, full_name="X")
        for client, status in ((support_client, 200), (finance_client, 403), (manager_client, 403)):
            html = check_page(client.get(profile.get_absolute_url()))
            assert (page(event) in html) == (status == 200)
            check_page(client.get(page(event)), status)
            if status == 403:
                assert "tenants.change_userprofile" in check_page(client.post(page(event), {}), 403)
        tier = edit(profile, make_user("finance", email="f@example.test"), subscription_tier="pro")
        assert page(tier) in check_page(finance_client.get(profile.get_absolute_url()))
        check_page(finance_client.get(page(tier)))
        check_page(support_client.get(page(tier)), 403)

    def test_what_cannot_be_undone_says_why(self, support_client, admin_client, support):
        trunk = make_trunk()
        assert "Undoing that means deleting it" in check_page(support_client.get(page(last(trunk))))
        delete = reverse("telephony:siptrunk_delete", args=[trunk.pk])
        assert delete in check_page(admin_client.get(page(last(trunk))))
        for password in ("one", "two"):
            set_trunk_password(trunk, actor=support, reason="r", password=password)
        html = check_page(admin_client.get(page(last(trunk))))
        assert "does not keep secrets" in html and "Put back what is chosen" not in html
        assert page(last(trunk)) not in check_page(support_client.get(trunk.get_absolute_url()))

    def test_hostile_and_secret_values_stay_text_and_hidden(self, support_client, support, owner):
        agent = make_agent(description="<script>alert(1)</script>", config={"a": 1})
        event = edit(agent, support, description="fine", config={"a": 2})
        owner("update agents set config = %s where id = %s", ['{"api_key": "sk-1"}', agent.pk])
        html = check_page(support_client.get(page(event)))
        assert "<script>alert(1)" not in html and "&lt;script&gt;" in html and "sk-1" not in html

    def test_the_page_costs_the_same_for_one_field_and_for_many(self, support_client, support):
        agent = make_agent()
        one = edit(agent, support, description="a")
        many = edit(agent, support, description="b", llm_model="c", temperature=Decimal("0.3"), voice_id="d")
        with_one, with_many = (count(support_client, page(event)) for event in (one, many))
        assert with_one == with_many

    def test_a_change_that_is_not_there_is_404(self, support_client):
        assert support_client.get("/audit/changes/999999999/revert/").status_code == 404


def count(client, url):
    from backoffice.testing_crud import count_queries

    return len(count_queries(client, url))


@pytest.fixture
def batch(support):
    """Three numbers released under one request; gives (request id, numbers)."""
    numbers = [make_number() for _ in range(3)]
    token = request_id.set("batch-of-three")
    for number in numbers:
        release_number(number, actor=support, reason="Cleaning up")
    request_id.reset(token)
    return "batch-of-three", numbers


def statuses(numbers):
    return [PhoneNumber.objects.get(pk=number.pk).status for number in numbers]


class TestBatch:
    def url(self, name):
        return reverse("backoffice:batch_revert", args=[name])

    def test_what_still_is_as_it_was_left_is_put_back_and_the_rest_is_named(self, support, batch):
        name, numbers = batch
        change(numbers[1], status="ported")
        done, left = revert_batch(name, actor=support, reason="Undo")
        assert statuses(numbers) == ["active", "ported", "active"]
        assert {change.row_id for change in done} == {str(numbers[0].pk), str(numbers[2].pk)}
        assert [(change.row_id, why) for change, why in left] == [
            (str(numbers[1].pk), "Changed since: Status.")
        ]

    def test_several_changes_of_one_row_go_back_to_the_first(self, support):
        tenant = make_organization(name="A")
        token = request_id.set("twice-in-one-request")
        edit(tenant, support, name="B")
        edit(tenant, support, name="C")
        request_id.reset(token)
        revert_batch("twice-in-one-request", actor=support, reason="Undo")
        assert Organization.objects.get(pk=tenant.pk).name == "A"

    def test_page_previews_puts_back_what_is_chosen_and_can_be_undone(self, support_client, batch):
        name, numbers = batch
        change(numbers[1], status="ported")
        response = support_client.get(self.url(name))
        html = check_page(response)
        assert all(number.e164 in html for number in numbers) and "Changed since" in html
        keep = f"phone_numbers:{numbers[0].pk}"
        done = support_client.post(self.url(name), {"reason": "Undo", "row": [keep]}, follow=True)
        check_page(done)
        assert statuses(numbers) == ["active", "ported", "released"]
        check_page(support_client.post(self.url(name), {"reason": "Undo"}), 422)
        undo = AuditEvent.objects.of(numbers[0]).first().request_id
        support_client.post(self.url(undo), {})
        assert statuses(numbers) == ["released", "ported", "released"]

    def test_who_may_not_write_any_of_it_is_refused(self, finance_client, manager_client, batch):
        for client in (finance_client, manager_client):
            assert "telephony.change_phonenumber" in check_page(client.get(self.url(batch[0])), 403)
            check_page(client.post(self.url(batch[0]), {}), 403)
        assert statuses(batch[1]) == ["released"] * 3

    def test_unknown_batches_are_404(self, support_client):
        for name in ("nothing", "\0", "a" * 300):
            assert support_client.get(self.url(name)).status_code == 404

    def test_preview_costs_the_same_for_one_row_and_for_thirty(self, support_client, support):
        def made(name, rows):
            numbers = [make_number(agent=make_agent()) for _ in range(rows)]
            token = request_id.set(name)
            for number in numbers:
                edit(number, support, agent_id=None)
            request_id.reset(token)
            return count(support_client, self.url(name))

        assert made("few-of-them", 1) == made("many-of-them", 30)

    def test_a_large_batch_is_a_job_whose_result_names_what_was_left(
        self, support_client, support, batch, monkeypatch, settings, tmp_path
    ):
        settings.JOB_FILES_DIR = tmp_path
        monkeypatch.setattr("backoffice.views.revert.MOST_AT_ONCE", 2)
        name, numbers = batch
        change(numbers[1], status="ported")
        response = support_client.post(self.url(name), {"reason": "Undo"})
        job = Job.objects.get(kind="revert")
        assert response.url == job.get_absolute_url()
        monkeypatch.setattr(jobs, "heartbeat", lambda job: __import__("contextlib").nullcontext())
        jobs.run(job.pk)
        job.refresh_from_db()
        assert job.status == "succeeded" and "2 records were put back, 1 were left alone" in job.message
        assert numbers[1].e164.lstrip("+") in job.result_path.read_text()
        assert statuses(numbers) == ["active", "ported", "active"]
        assert AuditEvent.objects.of(numbers[0]).first().request_id == str(job.pk)


def test_two_people_undoing_at_once_write_once(fresh_database):
    with fresh_database.platform():
        tenant = make_organization(name="A")
    with fresh_database.django():
        people = [make_user("support", email=f"s{n}@example.test") for n in range(2)]
        event = edit(tenant, people[0], name="B")
        outcomes = []

        def undo(person):
            try:
                outcomes.append(revert(event, actor=person, reason="Undo"))
            except (Differs, ValidationError) as error:
                outcomes.append(type(error))
            finally:
                connection.close()

        threads = [threading.Thread(target=undo, args=[person]) for person in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outcomes.count(["name"]) == 1 and len(outcomes) == 2
        assert Organization.objects.get(pk=tenant.pk).name == "A"
        assert AuditEvent.objects.of(tenant).filter(source="app").count() == 2
