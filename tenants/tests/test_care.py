"""Who looks after a tenant: taken by one at a time, handed over, given back, snoozed, followed."""

import datetime
import threading

import pytest
from django.core.exceptions import ValidationError
from django.db import connections
from django.urls import reverse
from django.utils import timezone

from backoffice.models import AuditEvent
from backoffice.testing import make_user
from backoffice.testing_crud import check_page, count_queries, form_values
from tenants import care
from tenants.models import Care, Follow, Organization
from tenants.tests.factories import make_organization

LIST = "/tenants/organizations/"


def url(page, tenant):
    return reverse(f"tenants:organization_{page}", args=[tenant.pk])


@pytest.fixture
def tenant(db):
    return make_organization(name="Acme")


def who_has(tenant):
    found = Care.objects.filter(organization=tenant.pk).first()
    return found and found.assignee_id


class TestAssigning:
    def test_one_click_says_so_with_undo_and_leaves_an_entry(self, support_client, tenant):
        data = {"next": tenant.get_absolute_url(), "seen": ""}
        html = check_page(support_client.post(url("assign", tenant), data, follow=True))
        assert "You look after Acme now." in html and f'action="{url("release", tenant)}"' in html
        assert who_has(tenant) == support_client.user.pk
        event = AuditEvent.objects.of(Care.objects.get()).get()
        assert (event.actor, event.organization_id) == (str(support_client.user), tenant.pk)
        support_client.post(url("release", tenant))
        assert who_has(tenant) is None

    def test_the_second_is_told_who_has_it_and_may_take_it_over(self, support_client, manager_client, tenant):
        support_client.post(url("assign", tenant), {"seen": ""})
        response = manager_client.post(url("assign", tenant), {"seen": ""})
        html = check_page(response, 422)
        assert f"{support_client.user} took it" in html and f"Take over from {support_client.user}" in html
        assert who_has(tenant) == support_client.user.pk
        html = check_page(manager_client.post(url("assign", tenant), form_values(response), follow=True))
        assert who_has(tenant) == manager_client.user.pk
        assert "Undo" not in html  # giving it back would leave it with nobody

    def test_two_at_once_have_one_winner(self, fresh_database):
        with fresh_database.platform():
            tenant = make_organization()
        with fresh_database.django():
            users = [make_user("support", email=f"{n}@example.test", first_name=f"No {n}") for n in range(4)]
            start, told = threading.Barrier(len(users)), []

            def take(user):
                start.wait()
                try:
                    care.assign_tenant(tenant, actor=user)
                except ValidationError as error:
                    told.append(error.messages[0])
                connections["default"].close()

            threads = [threading.Thread(target=take, args=[user]) for user in users]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            winner = Care.objects.get().assignee_name
        assert len(told) == 3 and all(text.startswith(f"{winner} took it") for text in told)

    def test_a_colleague_gets_it(self, support_client, manager, finance, tenant):
        page = support_client.get(url("hand_over", tenant))
        check_page(page)
        found = support_client.post(url("hand_over", tenant), {"to_search": "example", "_pick": "to"})
        html = check_page(found, 422)
        assert f'value="{manager.pk}"' in html and f'value="{finance.pk}"' not in html
        while_typing = support_client.get("/pick/backoffice.user/?of=colleagues&name=to&to_search=example")
        options = while_typing.content.decode()
        assert f'value="{manager.pk}"' in options and f'value="{finance.pk}"' not in options
        assert "/pick/backoffice.user/?of=colleagues" in page.content.decode()
        for wrong in ("backoffice.user/?of=everybody", "tenants.organization/?of=colleagues"):
            assert support_client.get(f"/pick/{wrong}&name=to").status_code == 404
        data = {**form_values(page), "to": manager.pk, "reason": "Speaks Finnish"}
        assert "looks after Acme now" in check_page(
            support_client.post(url("hand_over", tenant), data, follow=True)
        )
        assert who_has(tenant) == manager.pk
        assert AuditEvent.objects.of(Care.objects.get()).first().reason == "Speaks Finnish"

    def test_nobody_gets_it_who_may_not_act(self, support_client, finance, support, tenant):
        for user in (finance.pk, 0, ""):
            html = check_page(support_client.post(url("hand_over", tenant), {"to": user}), 422)
            assert 'id="id_to_error"' in html
            assert ("role does not look after tenants" in html) == (user != "")
        with pytest.raises(ValidationError):
            care.assign_tenant(tenant, actor=support, to=finance)
        assert who_has(tenant) is None

    def test_only_who_has_it_gives_it_back(self, support_client, manager_client, tenant):
        assert "Nobody has it" in check_page(support_client.post(url("release", tenant)), 422)
        support_client.post(url("assign", tenant))
        html = check_page(manager_client.post(url("release", tenant)), 422)
        assert f"{support_client.user} has it" in html

    def test_taking_what_one_has_says_so(self, support_client, tenant):
        support_client.post(url("assign", tenant))
        assert "You have it already" in check_page(support_client.post(url("assign", tenant)), 422)

    def test_the_page_says_who(self, support_client, finance_client, tenant):
        support_client.post(url("assign", tenant))
        html = check_page(finance_client.get(tenant.get_absolute_url()))
        assert f"<strong>{support_client.user}</strong> looks" in html
        assert url("assign", tenant) not in html and url("follow", tenant) in html

    def test_the_head_costs_the_same_whatever_it_says(self, support_client, tenant):
        support_client.get(tenant.get_absolute_url())
        few = count_queries(support_client, tenant.get_absolute_url())
        support_client.post(url("assign", tenant))
        support_client.post(url("follow", tenant))
        support_client.get(tenant.get_absolute_url())  # shows what was done
        assert len(count_queries(support_client, tenant.get_absolute_url())) == len(few)

    @pytest.mark.parametrize("page", ["assign", "hand_over", "release", "snooze", "wake"])
    def test_finance_only_follows(self, finance_client, tenant, page):
        assert "tenants.act_on_tenant" in check_page(finance_client.post(url(page, tenant)), 403)
        assert finance_client.post(url("follow", tenant)).status_code == 302


class TestFollowing:
    def test_follow_is_personal_and_counts_once(self, support_client, finance_client, tenant):
        other = make_organization()
        for _ in range(2):
            support_client.post(url("follow", tenant))
        finance_client.post(url("follow", other))
        assert Follow.objects.count() == 2
        assert support_client.get(LIST, {"desk": "followed"}).context["rows"] == [tenant]
        support_client.post(url("unfollow", tenant))
        assert support_client.get(LIST, {"desk": "followed"}).context["rows"] == []

    def test_goes_with_the_account(self, support_client, tenant, admin):
        from backoffice import staff

        support_client.post(url("follow", tenant))
        staff.delete_account(support_client.user, actor=admin, reason="Left")
        assert not Follow.objects.exists()

    def test_lists_of_ones_own(self, support_client, manager_client, tenant):
        support_client.post(url("assign", tenant))
        for client, value, rows in (
            (support_client, "mine", [tenant]),
            (manager_client, "mine", []),
            (manager_client, "assigned", [tenant]),
        ):
            assert client.get(LIST, {"desk": value}).context["rows"] == rows


class TestSnoozing:
    @pytest.fixture
    def today(self, monkeypatch, support):
        """A Friday afternoon in Tokyo."""
        type(support).objects.filter(pk=support.pk).update(time_zone="Asia/Tokyo")
        moment = datetime.datetime(2031, 5, 2, 6, 0, tzinfo=datetime.UTC)
        monkeypatch.setattr(timezone, "now", lambda: moment)
        return moment

    @pytest.mark.parametrize(
        ("preset", "until"), [("tomorrow", "2031-05-02T23:00"), ("monday", "2031-05-04T23:00")]
    )
    def test_presets_are_mornings_of_the_reader(self, support, tenant, preset, until, today):
        from tenants.forms import SnoozeForm

        with timezone.override("Asia/Tokyo"):
            form = SnoozeForm(data={"until": preset})
            assert form.is_valid()
        assert form.cleaned_data["until"] == datetime.datetime.fromisoformat(until).replace(
            tzinfo=datetime.UTC
        )

    def test_one_click_with_undo(self, support_client, tenant):
        data = {"until": "tomorrow", "next": tenant.get_absolute_url()}
        html = check_page(support_client.post(url("snooze", tenant), data, follow=True))
        assert "Snoozed until" in html and f'action="{url("wake", tenant)}"' in html
        support_client.post(url("wake", tenant))
        assert "Snoozed until" not in check_page(support_client.get(tenant.get_absolute_url()))

    def test_another_time_with_a_reason(self, support_client, tenant):
        at = timezone.localtime() + datetime.timedelta(days=3)
        data = {"until": "custom", "at": f"{at:%Y-%m-%dT%H:%M}", "reason": "Waits for <b>their</b> bank"}
        html = check_page(support_client.post(url("snooze", tenant), data, follow=True))
        assert "Waits for &lt;b&gt;their&lt;/b&gt; bank" in html
        assert Care.objects.get().snoozed_until == at.replace(second=0, microsecond=0)

    @pytest.mark.parametrize(
        ("data", "field"),
        [
            ({}, "until"),
            ({"until": "never"}, "until"),
            ({"until": "custom"}, "at"),
            ({"until": "custom", "at": "soon"}, "at"),
        ],
    )
    def test_bad_input_is_refused_beside_its_field_and_kept(self, support_client, tenant, data, field):
        response = support_client.post(url("snooze", tenant), {**data, "reason": "typed"})
        assert f'id="id_{field}_error"' in check_page(response, 422)
        assert form_values(response)["reason"] == "typed"

    @pytest.mark.parametrize("at", ["2020-01-01T08:00", "2999-01-01T08:00"])
    def test_a_time_that_is_past_or_far_is_refused(self, support_client, tenant, at):
        html = check_page(support_client.post(url("snooze", tenant), {"until": "custom", "at": at}), 422)
        assert 'id="id_at_error"' in html and not Care.objects.exists()

    def test_waking_what_sleeps_not_says_so(self, support_client, tenant):
        assert "not snoozed" in check_page(support_client.post(url("wake", tenant)), 422)


def test_a_tenant_that_is_gone_is_not_taken(support, owner):
    tenant = Organization.objects.get(pk=make_organization().pk)
    owner("delete from organizations where id = %s", [tenant.pk])
    with pytest.raises(ValidationError):
        care.assign_tenant(tenant, actor=support)
