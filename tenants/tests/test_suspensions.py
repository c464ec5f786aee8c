"""Suspending a tenant: its active numbers are switched off, remembered, and come back exactly."""

import threading
from contextlib import nullcontext

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from agents.tests.factories import make_agent
from backoffice import jobs
from backoffice.logs import request_id
from backoffice.models import AuditEvent, Job
from backoffice.testing import make_user
from backoffice.testing_crud import check_page, client_with, count_queries, form_values
from telephony.models import PhoneNumber
from telephony.services import reactivate_number, release_number
from telephony.tests.factories import make_number
from tenants.models import Organization, Suspension
from tenants.suspensions import added_since, open_suspension, restore_tenant, suspend_tenant
from tenants.tests.factories import change, make_organization

ODD = [None, "", "released", "ACTIVE", "active ", "ported", "x" * 300]


def statuses(tenant):
    return {number.e164: number.status for number in PhoneNumber.objects.filter(organization=tenant.pk)}


def url(page, tenant):
    return reverse(f"tenants:organization_{page}", args=[tenant.pk])


def fresh(tenant):
    return Organization.objects.get(pk=tenant.pk)


@pytest.fixture
def tenant(db):
    """With two active numbers."""
    tenant = make_organization(name="Lindgren Oy")
    for n in (1, 2):
        make_number(tenant, e164=f"+1415555900{n}", agent=make_agent(tenant))
    return tenant


class TestService:
    def test_only_what_was_active_changes_and_all_comes_back_exactly(self, support, tenant):
        for n, status in enumerate(ODD):
            make_number(tenant, e164=f"+4420794600{n:02}", status=status)
        other = make_number()
        before = statuses(tenant)
        suspension = suspend_tenant(tenant, actor=support, reason="Unpaid")
        now = statuses(tenant)
        assert {e164 for e164 in before if before[e164] != now[e164]} == {"+14155559001", "+14155559002"}
        assert now["+14155559001"] == "suspended"
        assert {one.e164: one.status for one in suspension.numbers.all()} == before
        assert PhoneNumber.objects.get(pk=other.pk).is_active
        back, left = restore_tenant(tenant, actor=support, reason="Paid")
        assert (len(back), left, statuses(tenant)) == (2, [], before)

    def test_who_and_why_stand_on_each_number_and_on_the_tenant(self, support, tenant):
        suspend_tenant(tenant, actor=support, reason="Unpaid")
        for number in tenant.phone_numbers.all():
            event = AuditEvent.objects.of(number).first()
            assert event.changes == {"status": ["active", "suspended"]}
            assert (event.actor, event.reason, event.organization_id) == (str(support), "Unpaid", tenant.pk)
        suspension = open_suspension(fresh(tenant))
        event = AuditEvent.objects.of(suspension).get()
        assert (event.organization_id, event.record) == (tenant.pk, "suspension Lindgren Oy")
        restore_tenant(tenant, actor=support, reason="Paid")
        suspension.refresh_from_db()
        assert (suspension.restored_by_name, suspension.restore_reason) == (str(support), "Paid")
        assert suspension.restored_at > suspension.created_at

    def test_what_changed_meanwhile_is_left_alone_and_named(self, support, admin, tenant):
        numbers = {n: make_number(tenant, e164=f"+1415555800{n}") for n in range(1, 7)}
        elsewhere = make_organization(name="Elsewhere")
        suspend_tenant(tenant, actor=support, reason="r")
        release_number(numbers[1], actor=support, reason="r")
        change(numbers[2], organization_id=elsewhere.pk)
        change(numbers[3], status="active")
        change(numbers[4], status=None)
        change(numbers[5], status="ported")
        with transaction.atomic():
            from backoffice import services

            services.delete(numbers[6], actor=admin, reason="r")
        added = make_number(tenant, e164="+14155557001")
        assert added_since(open_suspension(fresh(tenant))) == [added]
        back, left = restore_tenant(tenant, actor=support, reason="r")
        assert {one.remembered.e164 for one in back} == {"+14155559001", "+14155559002"}
        assert {one.remembered.e164[-1]: one.why for one in left} == {
            "1": "It was released meanwhile.",
            "2": "It belongs to another tenant now: Elsewhere.",
            "3": "It was made active again meanwhile.",
            "4": "Its status was changed meanwhile: not set.",
            "5": "Its status was changed meanwhile: “ported”.",
            "6": "It was deleted.",
        }
        now = {n: PhoneNumber.objects.get(pk=number.pk).status for n, number in numbers.items() if n < 6}
        assert now == {1: "released", 2: "suspended", 3: "active", 4: None, 5: "ported"}

    def test_a_tenant_is_suspended_once_and_restored_once(self, support, tenant):
        suspend_tenant(tenant, actor=support, reason="Unpaid")
        with pytest.raises(ValidationError, match="suspended already, by Support: “Unpaid”"):
            suspend_tenant(tenant, actor=support, reason="r")
        restore_tenant(tenant, actor=support, reason="r")
        with pytest.raises(ValidationError, match="is not suspended"):
            restore_tenant(tenant, actor=support, reason="r")
        suspend_tenant(tenant, actor=support, reason="Again")
        assert Suspension.objects.filter(organization=tenant.pk).count() == 2

    def test_the_database_holds_one_open_suspension_too(self, support, tenant):
        suspend_tenant(tenant, actor=support, reason="r")
        from backoffice.services import acting

        with pytest.raises(IntegrityError), acting(support):
            Suspension.objects.create(organization=tenant, organization_name="x", reason="r")

    def test_without_an_active_number_nothing_is_done(self, support):
        tenant = make_organization()
        make_number(tenant, status="released")
        with pytest.raises(ValidationError, match="nothing would change"):
            suspend_tenant(tenant, actor=support, reason="r")
        assert not Suspension.objects.exists()

    def test_a_number_of_a_suspended_tenant_can_be_released_and_not_reactivated(self, support, tenant):
        one, two = tenant.phone_numbers.all()
        suspend_tenant(tenant, actor=support, reason="r")
        with pytest.raises(ValidationError, match="suspended with its tenant"):
            reactivate_number(one, actor=support, reason="r")
        release_number(two, actor=support, reason="r")
        reactivate_number(two, actor=support, reason="r")
        change(one, organization_id=make_organization().pk)
        assert reactivate_number(one, actor=support, reason="r").is_active


class TestBatches:
    """Taking back what suspended or restored tenants together, such as a bulk job."""

    @pytest.fixture
    def tenants(self, tenant, support):
        """Two, suspended under one request."""
        other = make_organization(name="Other")
        make_number(other)
        self.run("suspending", suspend_tenant, [tenant, other], support)
        return [tenant, other]

    def run(self, name, service, tenants, actor):
        token = request_id.set(name)
        for one in tenants:
            service(one, actor=actor, reason="r")
        request_id.reset(token)

    def url(self, name):
        return reverse("backoffice:batch_revert", args=[name])

    def test_tenants_are_restored_not_their_numbers_alone(self, support_client, support, tenants):
        response = support_client.get(self.url("suspending"))
        html = check_page(response)
        assert "its numbers become what they were" in html and "Cannot be put back" not in html
        assert [row["change"].obj for row in response.context["groups"]["ready"]] == tenants
        release_number(tenants[0].phone_numbers.first(), actor=support, reason="r")
        html = check_page(support_client.post(self.url("suspending"), {}, follow=True))
        assert "2 records put back" in html and not Suspension.objects.open().exists()
        assert sorted(statuses(tenants[0]).values()) == ["active", "released"]
        assert set(statuses(tenants[1]).values()) == {"active"}
        html = check_page(support_client.get(self.url("suspending")))
        assert "restored already, by Support" in html and "Nothing is left to put back" in html

    def test_what_is_chosen_is_restored_and_that_can_be_undone(self, support_client, tenants):
        suspension = open_suspension(fresh(tenants[0]))
        row = f"backoffice.tenants_suspension:{suspension.pk}"
        support_client.post(self.url("suspending"), {"reason": "Mistake", "row": [row]})
        suspension.refresh_from_db()
        assert suspension.restore_reason == "Mistake"
        assert list(Suspension.objects.open().values_list("organization_name", flat=True)) == ["Other"]
        again = AuditEvent.objects.of(suspension).first().request_id
        html = check_page(support_client.get(self.url(again)))
        assert "Suspended again" in html
        support_client.post(self.url(again), {})
        assert Suspension.objects.open().count() == 2
        assert set(statuses(tenants[0]).values()) == {"suspended"}
        assert "It is suspended again." in check_page(support_client.get(self.url(again)))

    def test_both_rights_are_needed(self, finance_client, tenants):
        few = client_with("tenants.view_organization", "telephony.change_phonenumber")
        for client in (finance_client, few):
            assert "tenants.change_organization" in check_page(client.get(self.url("suspending")), 403)
            check_page(client.post(self.url("suspending"), {}), 403)
        assert Suspension.objects.open().count() == 2

    def test_a_job_does_many(self, support_client, tenants, monkeypatch):
        monkeypatch.setattr("backoffice.views.revert.MOST_AT_ONCE", 2)
        monkeypatch.setattr(jobs, "heartbeat", lambda job: nullcontext())
        check_page(support_client.get(self.url("suspending")))
        support_client.post(self.url("suspending"), {})
        job = Job.objects.get(kind="revert")
        jobs.run(job.pk)
        job.refresh_from_db()
        assert (job.status, job.done, job.total) == ("succeeded", 2, 2), job.message
        assert not Suspension.objects.open().exists()

    def test_the_page_costs_the_same_for_two_and_for_twenty(self, support_client, support, tenants):
        few = len(count_queries(support_client, self.url("suspending")))
        more = [make_organization() for _ in range(20)]
        for one in more:
            make_number(one)
        self.run("many", suspend_tenant, more, support)
        assert len(count_queries(support_client, self.url("many"))) == few


class TestPages:
    def test_suspend_and_undo_from_the_message(self, support_client, tenant):
        assert url("suspend", tenant) in check_page(support_client.get(tenant.get_absolute_url()))
        html = check_page(support_client.get(url("suspend", tenant)))
        assert "Text chat and voice in the browser go on" in html and "+1 415-555-9001" in html
        check_page(support_client.post(url("suspend", tenant), {"reason": ""}), 422)
        assert set(statuses(tenant).values()) == {"active"}
        html = check_page(support_client.post(url("suspend", tenant), {"reason": "Unpaid"}, follow=True))
        assert "2 numbers no longer answered" in html and "“Unpaid”" in html
        assert f'action="{url("restore", tenant)}"' in html
        assert url("suspend", tenant) not in html
        html = check_page(support_client.post(url("restore", tenant), {}, follow=True))
        assert "2 numbers as before" in html and 'id="suspended"' not in html
        assert set(statuses(tenant).values()) == {"active"}
        assert AuditEvent.objects.of(tenant.phone_numbers.first()).first().reason == "Undo of the suspension"

    def test_the_timeline_has_one_entry_beside_those_of_the_numbers(self, admin_client, support, tenant):
        suspend_tenant(tenant, actor=support, reason="Unpaid")
        entries = admin_client.get(url("timeline", tenant)).context["timeline"].entries
        assert sorted(entry.record for entry in entries if entry.reason == "Unpaid") == [
            "phone number +14155559001",
            "phone number +14155559002",
            "suspension",
        ]

    def test_restore_previews_and_names_what_it_leaves(self, support_client, support, tenant):
        suspend_tenant(tenant, actor=support, reason="Unpaid")
        release_number(tenant.phone_numbers.first(), actor=support, reason="r")
        make_number(tenant, e164="+14155557001")
        html = check_page(support_client.get(tenant.get_absolute_url()))
        assert "1 number answers calls all the same" in html
        response = support_client.get(url("restore", tenant))
        html = check_page(response)
        assert (
            "released meanwhile" in html
            and "Added while it was suspended" in html
            and "+1 415-555-7001" in html
        )
        html = check_page(
            support_client.post(
                url("restore", tenant), {**form_values(response), "reason": "Paid"}, follow=True
            )
        )
        assert "Left alone: +1 415-555-9001: It was released meanwhile." in html

    def test_a_second_suspension_and_a_restore_of_nothing_say_so(self, support_client, support, tenant):
        assert "is not suspended" in check_page(support_client.get(url("restore", tenant)))
        assert "is not suspended" in check_page(support_client.post(url("restore", tenant), {}), 422)
        suspend_tenant(tenant, actor=support, reason="Unpaid")
        assert "suspended already" in check_page(support_client.get(url("suspend", tenant)))
        check_page(support_client.post(url("suspend", tenant), {"reason": "r"}), 422)

    def test_without_an_active_number_the_page_says_that_nothing_would_change(self, support_client):
        tenant = make_organization()
        make_number(tenant, status=None)
        html = check_page(support_client.get(url("suspend", tenant)))
        assert (
            "Nothing would change" in html and "1 that is not active" in html and 'name="reason"' not in html
        )

    def test_those_who_may_change_tenants_and_numbers(
        self, finance_client, manager_client, admin_client, tenant
    ):
        for client in (finance_client, manager_client):
            for page in ("suspend", "restore"):
                check_page(client.get(url(page, tenant)), 403)
                check_page(client.post(url(page, tenant), {"reason": "r"}), 403)
            assert url("suspend", tenant) not in check_page(client.get(tenant.get_absolute_url()))
        half = client_with("tenants.view_organization", "tenants.change_organization")
        assert "telephony.change_phonenumber" in check_page(half.get(url("suspend", tenant)), 403)
        assert admin_client.post(url("suspend", tenant), {"reason": "r"}).status_code == 302

    def test_the_list_marks_and_filters_them(self, support_client, support, tenant):
        make_organization(name="Other")
        suspend_tenant(tenant, actor=support, reason="r")
        for choice, names in (("yes", {"Lindgren Oy"}), ("no", {"Other"})):
            response = support_client.get("/tenants/organizations/", {"suspended": choice})
            html = check_page(response)
            assert {row.name for row in response.context["rows"]} == names
            assert ("status--warn" in html) == (choice == "yes")
        numbers = support_client.get("/telephony/numbers/", {"status": "suspended"})
        assert len(numbers.context["rows"]) == 2 and ">Suspended</span>" in check_page(numbers)

    def test_a_number_says_that_it_is_suspended_with_its_tenant(self, support_client, support, tenant):
        number = tenant.phone_numbers.first()
        suspend_tenant(tenant, actor=support, reason="r")
        html = check_page(support_client.get(number.get_absolute_url()))
        assert "Suspended with its tenant" in html and "/release/" in html and "/reactivate/" not in html
        change(number, organization_id=make_organization().pk)
        html = check_page(support_client.get(number.get_absolute_url()))
        assert "is not suspended (any more)" in html and "/reactivate/" in html

    def test_pages_cost_the_same_for_two_numbers_and_for_thirty(self, support_client, support, tenant):
        def costs(*pages):
            return [len(count_queries(support_client, url(page, tenant))) for page in pages]

        few = costs("suspend")
        for _ in range(30):
            make_number(tenant)
        assert costs("suspend") == few
        small = make_organization()
        make_number(small)
        for one in (small, tenant):
            suspend_tenant(one, actor=support, reason="r")
            release_number(make_number(one), actor=support, reason="r")
        restore = [len(count_queries(support_client, url("restore", one))) for one in (small, tenant)]
        assert restore[0] == restore[1]


def test_of_two_at_once_one_suspends(fresh_database):
    with fresh_database.platform():
        tenant = make_organization()
        numbers = [make_number(tenant) for _ in range(3)]
    with fresh_database.django():
        actor = make_user("support")
        outcomes = []

        def suspend():
            try:
                suspend_tenant(tenant, actor=actor, reason="r")
                outcomes.append("suspended")
            except ValidationError:
                outcomes.append("already")
            finally:
                connection.close()

        threads = [threading.Thread(target=suspend) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["already", "already", "suspended"]
        restore_tenant(tenant, actor=actor, reason="r")
        assert {PhoneNumber.objects.get(pk=number.pk).status for number in numbers} == {"active"}
