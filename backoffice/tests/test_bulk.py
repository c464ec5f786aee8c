"""Bulk actions: which rows, asked once, done once each, and what is told about them."""

import csv
import io

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from agents.models import AgentSession
from agents.tests.factories import make_session
from backoffice import bulk, jobs, services
from backoffice.models import AuditEvent, BulkResult, BulkRun, Job, ReadLog, User
from backoffice.testing import platform
from backoffice.testing_crud import HOSTILE, check_page, client_with, count_queries, everything_but
from telephony import services as numbers
from telephony.models import PhoneNumber
from telephony.tests.factories import make_number
from tenants.attention import look_again
from tenants.models import AttentionItem
from tenants.suspensions import suspend_tenant
from tenants.tests.factories import make_organization

LIST = "/telephony/numbers/"
BULK = "/lists/telephony:phonenumber_list/bulk/"
RELEASE = {"action": "PhoneNumberRelease"}


@pytest.fixture
def found(db):
    return [make_number(e164=f"+4420794601{n:02}") for n in range(5)]


def prepare(client, rows=(), query="", **data):
    """The confirmation's address."""
    response = client.post(BULK, {**RELEASE, "row": [str(row.pk) for row in rows], "query": query, **data})
    assert response.status_code == 302, response.content.decode()
    return response.url


def confirm(client, address, reason="Contract ended"):
    response = client.post(address, {"reason": reason})
    assert response.status_code == 302, response.content.decode()
    return Job.objects.get(pk=response.url.strip("/").split("/")[-1])


def done(job):
    jobs.run(str(job.pk))
    job.refresh_from_db()
    return job


def states():
    return list(PhoneNumber.objects.order_by("e164").values_list("status", flat=True))


def test_checked_rows_are_released_with_one_reason_and_one_request(support_client, found):
    html = check_page(support_client.get(LIST))
    assert html.count('name="row"') == 5 and 'value="PhoneNumberRelease"' in html
    address = prepare(support_client, found[:3])
    html = check_page(support_client.get(address))
    assert "Release: 3 phone numbers" in html and str(found[0]) in html and states() == ["active"] * 5
    job = done(confirm(support_client, address))
    assert (job.status, job.message) == ("succeeded", "3 changed, 0 skipped, 0 failed.")
    assert states() == ["released"] * 3 + ["active"] * 2
    events = AuditEvent.objects.filter(table_name="phone_numbers", action="update", source="app")
    assert {(e.request_id, e.reason, e.actor_id) for e in events} == {
        (str(job.pk), "Contract ended", support_client.user.pk)
    }
    assert events.count() == 3
    html = check_page(support_client.get(job.get_absolute_url()))
    assert reverse("backoffice:batch_revert", args=[job.pk]) in html
    check_page(support_client.get(reverse("backoffice:batch_revert", args=[job.pk])))


def test_all_that_match_are_those_of_the_confirmation_and_no_later_ones(support_client, found):
    with platform():
        PhoneNumber.objects.filter(pk=found[0].pk).update(status="ported")
    address = prepare(support_client, query="status=active&sort=number", all="1")
    assert BulkRun.objects.get().row_ids == [str(row.pk) for row in found[1:]]
    make_number(e164="+442079460199")
    job = done(confirm(support_client, address))
    assert job.message == "4 changed, 0 skipped, 0 failed."
    assert states() == ["ported", "released", "released", "released", "released", "active"]


def test_all_under_a_filter_that_cannot_be_read_prepares_nothing(support_client, found):
    data = {**RELEASE, "query": "organization=nonsense", "all": "1"}
    response = support_client.post(BULK, data, follow=True)
    assert "would be more than was meant" in check_page(response)
    assert not BulkRun.objects.exists()


def test_no_more_than_the_limit_are_done_and_it_is_said(support_client, found, monkeypatch):
    monkeypatch.setattr(bulk, "LIMIT", 3)
    address = prepare(support_client, query="sort=number", all="1")
    html = check_page(support_client.get(address))
    assert "These are the first 3" in html
    assert done(confirm(support_client, address)).message.startswith("3 changed")


def test_confirming_twice_starts_it_once(support_client, found):
    address = prepare(support_client, found)
    job = confirm(support_client, address)
    assert confirm(support_client, address) == job == confirm(support_client, address, reason="")
    assert support_client.get(address).url == job.get_absolute_url()
    assert Job.objects.count() == 1
    done(job)
    done(job)
    assert BulkResult.objects.count() == 5


def test_what_failed_is_named_with_its_reason_and_the_others_are_done(support_client, found, monkeypatch):
    def refuse(number, *, actor, reason):
        if number.pk == found[1].pk:
            raise ValidationError("It still forwards to Front desk.")
        if number.pk == found[2].pk:
            number.e164 = found[0].e164  # breaks a constraint
            return services.save(number, actor=actor, reason=reason)
        return numbers.release_number(number, actor=actor, reason=reason)

    from telephony.views import PhoneNumberRelease

    with platform():
        PhoneNumber.objects.filter(pk=found[3].pk).update(status="released")
    monkeypatch.setattr(PhoneNumberRelease, "service", staticmethod(refuse))
    job = done(confirm(support_client, prepare(support_client, found)))
    assert (job.status, job.message) == ("succeeded", "2 changed, 1 skipped, 2 failed.")
    html = check_page(support_client.get(job.get_absolute_url()))
    for row in found[1:3]:
        assert f'<a href="{row.get_absolute_url()}">' in html, "several rows may have one name"
    html = check_page(support_client.get(job.get_absolute_url()))
    assert "It still forwards to Front desk." in html and str(found[1]) in html
    answer = support_client.get(reverse("bulk_outcome", args=[job.pk]))
    assert (
        ReadLog.objects.filter(kind="export", row_id=str(job.pk), actor_id=support_client.user.pk).count()
        == 1
    )
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert sorted((row["record"], row["outcome"]) for row in rows) == [
        (str(found[0]), "changed"),
        (str(found[1]), "failed"),
        (str(found[2]), "failed"),
        (str(found[3]), "skipped"),
        (str(found[4]), "changed"),
    ]


def test_an_interrupted_job_goes_on_and_repeats_nothing(support_client, found, monkeypatch):
    job = confirm(support_client, prepare(support_client, found, query="sort=number"))
    seen = []
    usual = bulk.do_row

    def stop(run, action, pk, *rest):
        if len(seen) == 2:
            raise KeyError("the worker stopped")
        seen.append(pk)
        return usual(run, action, pk, *rest)

    monkeypatch.setattr(bulk, "do_row", stop)
    done(job)
    assert job.status == "failed" and "2 changed, 0 skipped, 0 failed. 3 not done." in job.message
    monkeypatch.setattr(
        bulk, "do_row", lambda run, action, pk, *rest: (seen.append(pk), usual(run, action, pk, *rest))
    )
    support_client.post(reverse("job_retry", args=[job.pk]))
    done(job)
    assert (job.status, job.message, job.done) == ("succeeded", "5 changed, 0 skipped, 0 failed.", 5)
    assert len(seen) == len(set(seen)) == 5


def test_a_cancelled_job_tells_what_it_did(support_client, found, monkeypatch):
    monkeypatch.setattr(jobs, "REPORT_EVERY_SECONDS", 0)
    job = confirm(support_client, prepare(support_client, found))
    usual = bulk.do_row

    def cancel(*args):
        Job.objects.filter(pk=job.pk).update(cancel_requested=True)
        return usual(*args)

    monkeypatch.setattr(bulk, "do_row", cancel)
    done(job)
    assert (job.status, states().count("released")) == ("cancelled", 1)
    assert job.message == "Cancelled while it ran. 1 changed, 0 skipped, 0 failed. 4 not done."


def test_rows_that_are_gone_or_do_not_apply_are_skipped(support_client, found):
    address = prepare(support_client, found[:2])
    numbers.release_number(found[0], actor=support_client.user, reason="r")
    html = check_page(support_client.get(address))
    assert "Will be skipped" in html
    with platform():
        PhoneNumber.objects.filter(pk=found[1].pk).delete()
    job = done(confirm(support_client, address))
    assert job.message == "0 changed, 2 skipped, 0 failed."
    assert set(BulkResult.objects.values_list("message", flat=True)) == {
        "“Release” does not apply to it.",
        "It is not there any more.",
    }


def test_the_button_names_what_will_be_done_and_is_not_there_for_nothing(support_client, found):
    address = prepare(support_client, found[:2])
    numbers.release_number(found[0], actor=support_client.user, reason="r")
    assert "Release 1</button>" in check_page(support_client.get(address))
    numbers.release_number(found[1], actor=support_client.user, reason="r")
    html = check_page(support_client.get(address))
    assert "Release 0" not in html and 'name="reason"' not in html and ">Back</a>" in html


def test_the_reason_is_asked_for_and_nothing_typed_is_lost(support_client, found):
    address = prepare(support_client, found)
    assert "This field is required" in check_page(support_client.post(address, {"reason": " "}), 422)
    assert "x" * 501 in check_page(support_client.post(address, {"reason": "x" * 501}), 422)
    assert not Job.objects.exists()


def test_without_a_row_nothing_is_prepared(support_client, found):
    for rows in ([], ["nonsense", "\0"], ["00000000-0000-0000-0000-000000000000"]):
        response = support_client.post(BULK, {**RELEASE, "row": rows, "query": "sort=number"})
        assert response.url.startswith(f"{LIST}?sort=number")
    assert not BulkRun.objects.exists()


def test_only_those_with_the_right_of_the_action_see_and_do_it(finance_client, support_client, found):
    html = check_page(finance_client.get(LIST))
    assert 'name="row"' not in html and "data-bulk" not in html
    html = check_page(finance_client.post(BULK, {**RELEASE, "row": [found[0].pk]}), 403)
    assert "telephony.change_phonenumber" in html
    check_page(client_with("telephony.change_phonenumber").post(BULK, {**RELEASE}), 403)
    address = prepare(support_client, found)
    check_page(finance_client.get(address), 404)
    check_page(finance_client.post(address, {"reason": "r"}), 404)
    check_page(everything_but("telephony.view_phonenumber").get(address), 404)
    assert support_client.post(BULK, {"action": "PhoneNumberDelete", "row": [found[0].pk]}).status_code == 404


def test_who_lost_the_right_meanwhile_changes_nothing(support_client, found):
    job = confirm(support_client, prepare(support_client, found))
    User.objects.get(pk=support_client.user.pk).groups.clear()
    assert done(job).status == "failed" and states() == ["active"] * 5


def test_outcomes_are_for_those_who_see_the_job(support_client, manager_client, admin_client, found):
    job = done(confirm(support_client, prepare(support_client, found)))
    address = reverse("bulk_outcome", args=[job.pk])
    assert manager_client.get(address).status_code == 404
    assert admin_client.get(address).status_code == 200
    other = Job.objects.create(kind="export", title="Export", owner=support_client.user)
    assert support_client.get(reverse("bulk_outcome", args=[other.pk])).status_code == 404


def test_tenants_are_assigned_suspended_and_restored_together(support_client):
    tenants = [make_number().organization for _ in range(2)]
    outcomes, taken_back = [], []
    for action in ("OrganizationAssign", "OrganizationSuspend", "OrganizationSuspend", "OrganizationRestore"):
        data = {"action": action, "row": [tenant.pk for tenant in tenants]}
        address = support_client.post("/lists/tenants:organization_list/bulk/", data).url
        html = check_page(support_client.get(address))
        assert action != "OrganizationSuspend" or "Text chat and voice" in html
        job = done(confirm(support_client, address))
        outcomes.append(job.message)
        url = reverse("backoffice:batch_revert", args=[job.pk])
        offered = url in check_page(support_client.get(job.get_absolute_url()))
        taken_back.append(offered)
        assert not offered or support_client.get(url).status_code == 200, "what is offered can be opened"
    changed, skipped = "2 changed, 0 skipped, 0 failed.", "0 changed, 2 skipped, 0 failed."
    assert outcomes == [changed, changed, skipped, changed]
    assert taken_back == [False, True, False, True]
    assert states() == ["active", "active"]


def test_signs_are_finished_together(support_client):
    tenant = make_organization()
    look_again(tenant.pk)
    signs = AttentionItem.objects.filter(organization=tenant.pk)
    assert signs
    data = {"action": "AttentionFinish", "row": [sign.pk for sign in signs]}
    address = support_client.post("/lists/tenants:attentionitem_list/bulk/", data).url
    job = done(confirm(support_client, address))
    assert job.message == f"{len(signs)} changed, 0 skipped, 0 failed."
    assert not signs.filter(done_at=None).exists()


def test_hostile_labels_are_text(support_client):
    session = make_session(external_id=f"=1+1 {HOSTILE}")
    data = {"action": "AgentSessionClose", "row": [session.pk]}
    address = support_client.post("/lists/agents:agentsession_list/bulk/", data).url
    assert "<script>alert" not in check_page(support_client.get(address))
    job = done(confirm(support_client, address))
    assert AgentSession.objects.get(pk=session.pk).status == "ended"
    content = b"".join(support_client.get(reverse("bulk_outcome", args=[job.pk])).streaming_content).decode()
    assert ",'=1+1" in content or ",\"'=1+1" in content


def test_the_pages_cost_the_same_for_one_row_and_for_many(support_client, found):
    one = count_queries(support_client, prepare(support_client, found[:1]))
    assert len(count_queries(support_client, prepare(support_client, found))) == len(one)


def test_asking_to_reactivate_suspended_numbers_costs_the_same_for_one_and_for_many(support_client, found):
    suspend_tenant(found[0].organization, actor=support_client.user, reason="Unpaid")
    with platform():
        PhoneNumber.objects.filter(pk__in=[row.pk for row in found[1:]]).update(status="suspended")
    pages = [prepare(support_client, rows, action="PhoneNumberReactivate") for rows in (found[:1], found)]
    html = check_page(support_client.get(pages[1]))
    assert "<dd>4</dd>" in html and "1: it does not apply" in html, "that of the suspended tenant is held"
    one, many = (count_queries(support_client, page) for page in pages)
    assert len(many) == len(one)


def test_what_was_never_confirmed_or_has_expired_is_forgotten(support_client, found):
    prepare(support_client, found)
    old = BulkRun.objects.get()
    job = done(confirm(support_client, prepare(support_client, found)))
    bulk.tidy()
    assert BulkRun.objects.count() == 2
    BulkRun.objects.filter(pk=old.pk).update(created_at="2026-01-01T00:00Z")
    Job.objects.filter(pk=job.pk).update(finished_at="2026-01-01T00:00Z")
    bulk.tidy()
    assert not BulkRun.objects.exists() and not BulkResult.objects.exists()
    check_page(support_client.get(job.get_absolute_url()))
