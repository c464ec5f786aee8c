"""The queue of what needs attention: one cause once, gone by itself, done as long as it lasts."""

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from backoffice import jobs
from backoffice.models import AuditEvent, Job
from backoffice.testing import platform
from backoffice.testing_crud import TIMES, PageTests, check_page, count_queries, set_column
from tenants import attention
from tenants.care import snooze_tenant
from tenants.health import Sign
from tenants.models import AttentionItem, Care, SignLookup
from tenants.tests.factories import change, make_item, make_organization

QUEUE = "/tenants/attention/"


def sign(tenant, kind="no_credit", cause="balance", text="The balance is 0.00.", **numbers):
    return Sign(tenant.pk, kind, cause, numbers or {"balance": "0.00"}, text, tenant.get_absolute_url())


def look(*signs):
    return attention.refresh(lambda: iter(signs))


def waiting():
    return list(AttentionItem.objects.waiting())


def url(page, item):
    return reverse(f"tenants:attentionitem_{page}", args=[item.pk])


class TestAttentionPages(PageTests):
    model = AttentionItem
    most_queries = 9  # two counts of its own: the kinds above the list, and who has the tenants

    def make(self, n):
        return make_item()

    def spread(self, rows, order):
        if order.key.name == "position":
            for n, row in enumerate(rows):
                set_column(row, "position", n // 3)
            return "position"
        for row, moment in zip(rows, TIMES, strict=True):
            set_column(row, "first_seen_at", moment or "2026-02-01")
        return "first_seen_at"

    def assert_shown(self, client):
        """Done and gone as it may be by now."""
        for state in ("lasting", "gone", "snoozed", "done"):
            check_page(client.get(self.url("list"), {"state": state}))
        super().assert_shown(client)


class TestLookUp:
    def test_one_cause_is_listed_once(self, db):
        tenant = make_organization(name="Acme")
        assert look(sign(tenant), sign(tenant)) == 1
        assert look(sign(tenant)) == 1
        (item,) = AttentionItem.objects.all()
        assert (item.organization_name, item.kind, item.numbers) == ("Acme", "no_credit", {"balance": "0.00"})

    def test_the_graver_of_two_signs_with_one_cause_counts(self, db):
        tenant = make_organization()
        look(sign(tenant, "runs_dry"), sign(tenant, "no_credit"), sign(tenant, "runs_dry"))
        assert [item.kind for item in waiting()] == ["no_credit"]

    def test_the_same_cause_at_two_tenants_is_two(self, db):
        look(sign(make_organization()), sign(make_organization()))
        assert len(waiting()) == 2

    def test_numbers_follow_and_the_age_stays(self, db):
        tenant = make_organization()
        look(sign(tenant, balance="0.00"))
        (before,) = waiting()
        look(sign(tenant, text="The balance is -5.00.", balance="-5.00"))
        (after,) = waiting()
        assert (after.pk, after.first_seen_at) == (before.pk, before.first_seen_at)
        assert (after.text, after.numbers) == ("The balance is -5.00.", {"balance": "-5.00"})

    def test_a_cause_that_goes_away_closes_by_itself(self, db):
        tenant = make_organization()
        look(sign(tenant), sign(tenant, "number_unassigned", "number:1"))
        look(sign(tenant))
        (gone,) = AttentionItem.objects.gone()
        assert gone.cause == "number:1" and len(waiting()) == 1

    def test_what_comes_back_is_listed_anew_even_if_it_was_done(self, support):
        tenant = make_organization(credits_balance="0.00")
        look(sign(tenant))
        (first,) = waiting()
        attention.finish_sign(first, actor=support)
        look()
        look(sign(tenant))
        (second,) = waiting()
        assert second.pk != first.pk and second.done_at is None

    def test_done_stays_done_while_it_lasts_whatever_the_numbers(self, support):
        tenant = make_organization(credits_balance="0.00")
        look(sign(tenant))
        attention.finish_sign(waiting()[0], actor=support)
        look(sign(tenant))
        look(sign(tenant, balance="-1.00"))
        assert waiting() == [] and AttentionItem.objects.done().count() == 1

    def test_done_ends_when_it_gets_worse(self, support):
        tenant = make_organization()
        look(sign(tenant, "runs_dry"))
        item = change(AttentionItem.objects.get(), done_at=timezone.now(), done_by_name="Somebody")
        look(sign(tenant, "no_credit"))
        assert [found.kind for found in waiting()] == ["no_credit"]
        item.refresh_from_db()
        assert item.gone_at

    def test_a_look_up_leaves_alone_what_was_seen_or_went_while_it_read(self, db):
        tenant, other = make_organization(), make_organization()
        look(sign(other))

        def source():
            attention.keep(tenant, [sign(tenant)])  # somebody opens the page
            attention.keep(other, [])
            yield sign(other)

        attention.refresh(source)
        assert [item.organization_id for item in waiting()] == [tenant.pk]

    def test_what_cannot_be_read_leaves_no_half_state(self, db):
        tenant = make_organization()
        look(sign(tenant))

        def broken():
            yield sign(make_organization())
            raise RuntimeError

        with pytest.raises(RuntimeError):
            attention.refresh(broken)
        assert [item.organization_id for item in waiting()] == [tenant.pk]

    def test_signs_of_a_tenant_that_is_gone_and_odd_texts(self, db):
        tenant = make_organization(name="x" * 255)
        nobody = Sign("00000000-0000-0000-0000-000000000001", "silent", "c", {}, "t", "/")
        odd = Sign(
            tenant.pk, "a kind that nobody knows", "c\t\\N\n" * 90, {"a": ["\\", None]}, "é\\\t" * 900, "/x"
        )
        assert look(nobody, odd, odd) == 1
        look(odd)
        (item,) = waiting()
        assert item.text == ("é\\\t" * 900)[:1000] and item.numbers == {"a": ["\\", None]}

    def test_what_went_long_ago_is_forgotten(self, db):
        old = timezone.now() - datetime.timedelta(days=attention.GONE_KEPT_DAYS + 1)
        make_item(gone_at=old)
        kept = make_item(gone_at=timezone.now())
        look()
        assert AttentionItem.objects.get() == kept

    def test_needs_no_actor_and_leaves_no_audit(self, db):
        tenant = make_organization()
        look(sign(tenant))
        look(sign(tenant, balance="1"))
        look()
        assert not AuditEvent.objects.filter(table_name="backoffice.tenants_attentionitem").exists()

    def test_all_signs_of_the_platform_are_looked_up(self, support_client):
        tenant = make_organization(credits_balance="-1.00")
        assert "not looked up yet" in check_page(support_client.get(QUEUE))
        attention.refresh()
        html = check_page(support_client.get(QUEUE))
        assert "last looked up" in html and tenant.name in html
        assert SignLookup.objects.get().signs >= 1
        assert len(waiting()) == SignLookup.objects.get().signs

    def test_two_at_once_are_one(self, fresh_database):
        with fresh_database.connect() as other, fresh_database.django():
            other.execute("select pg_advisory_lock(%s)", [attention.LOCK])
            assert attention.refresh() is None
            other.execute("select pg_advisory_unlock(%s)", [attention.LOCK])
            assert attention.refresh() == 0


class TestOneTenant:
    def test_opening_its_page_brings_the_queue_up_to_date(self, support_client):
        tenant = make_organization(credits_balance="-1.00")
        support_client.get(tenant.get_absolute_url())
        assert [item.cause for item in waiting()] == ["balance"]
        with platform():
            tenant.credits_balance = "5.00"
            tenant.save(update_fields=["credits_balance"])
        support_client.get(tenant.get_absolute_url())
        assert waiting() == []

    def test_writes_only_when_something_differs(self, support_client, django_assert_num_queries):
        tenant = make_organization()
        attention.keep(tenant, [sign(tenant)])
        with django_assert_num_queries(1):
            attention.keep(tenant, [sign(tenant)])
        attention.keep(tenant, [sign(tenant, "runs_dry", text="dry")])
        assert [item.kind for item in waiting()] == ["runs_dry"]

    def test_others_are_left_alone(self, db):
        make_item()
        attention.keep(make_organization(), [])
        assert len(waiting()) == 1


class TestDone:
    def test_done_and_back_are_one_click_audited_with_undo(self, support_client):
        tenant = make_organization(credits_balance="0.00")
        attention.refresh()
        item = waiting()[0]
        html = check_page(support_client.post(url("done", item), {"next": QUEUE}, follow=True))
        assert f'action="{url("reopen", item)}"' in html and waiting() == []
        event = AuditEvent.objects.of(item).get()
        assert (event.actor, event.organization_id) == (str(support_client.user), tenant.pk)
        assert support_client.get(QUEUE, {"state": "done"}).context["rows"] == [item]
        support_client.post(url("reopen", item))
        assert waiting() == [item]

    def test_the_second_is_told_who_did_it(self, support_client, manager):
        make_organization(credits_balance="0.00")
        attention.refresh()
        item = waiting()[0]
        attention.finish_sign(item, actor=manager)
        assert f"{manager} finished it" in check_page(support_client.post(url("done", item)), 422)

    def test_what_is_put_right_already_is_said_to_be_gone(self, support_client):
        item = make_item(make_organization(credits_balance="5.00"), cause="balance")
        assert "It is gone already" in check_page(support_client.post(url("done", item)), 422)
        item.refresh_from_db()
        assert item.gone_at and not item.done_at

    @pytest.mark.parametrize("page", ["done", "reopen"])
    def test_finance_looks_on(self, finance_client, page):
        item = make_item()
        html = check_page(finance_client.post(url(page, item)), 403)
        assert "tenants.act_on_tenant" in html
        html = check_page(finance_client.get(QUEUE))
        assert item.text in html and url("done", item) not in html


class TestManyAtOnce:
    """Through the list's own confirmation and job."""

    def run(self, client, action, items, **data):
        answer = client.post(
            reverse("list_bulk", args=["tenants:attentionitem_list"]),
            {"action": action, "row": [item.pk for item in items]},
        )
        job = client.post(answer.url, data).url.rstrip("/").split("/")[-1]
        jobs.run(job)
        return Job.objects.get(pk=job).message

    def test_several_are_done(self, support_client):
        for _ in range(2):
            make_organization(credits_balance="0.00")
        attention.refresh()
        gone = make_item(cause="put right meanwhile")
        message = self.run(support_client, "AttentionFinish", waiting())
        assert message == "2 changed, 0 skipped, 1 failed." and waiting() == [gone]

    def test_several_tenants_are_taken_and_snoozed(self, support_client, support):
        first = make_item()
        items = [first, make_item(first.organization), make_item()]
        assert self.run(support_client, "AttentionTake", items).startswith("3 changed")
        assert {care.assignee_id for care in Care.objects.all()} == {support.pk}
        assert self.run(support_client, "AttentionSnooze", items, until="monday").startswith("3 changed")
        assert waiting() == []


class TestQueue:
    def found(self, client, **params):
        return {row.pk for row in client.get(QUEUE, params).context["rows"]}

    def test_filters_by_kind_and_by_who_has_it(self, support_client, support, manager):
        mine, theirs, nobodys = make_item(kind="silent"), make_item(), make_item()
        for item, user in ((mine, support), (theirs, manager)):
            with platform():
                Care.objects.create(
                    organization_id=item.organization_id, organization_name="x", assignee=user
                )
        assert self.found(support_client, assigned="me") == {mine.pk}
        assert self.found(support_client, assigned="somebody") == {mine.pk, theirs.pk}
        assert self.found(support_client, assigned="nobody") == {nobodys.pk}
        assert self.found(support_client, kind="silent") == {mine.pk}
        assert self.found(support_client, organization=theirs.organization_id) == {theirs.pk}
        assert self.found(support_client, followed="me") == set()

    def test_a_snooze_hides_what_was_known_until_it_ends(self, support_client, support):
        item = make_item()
        until = timezone.now() + datetime.timedelta(days=1)
        snooze_tenant(item.organization, actor=support, until=until)
        later = make_item(item.organization)
        assert self.found(support_client) == {later.pk}
        assert self.found(support_client, state="snoozed") == {item.pk}
        with platform():
            Care.objects.update(snoozed_until=timezone.now())
        assert self.found(support_client) == {item.pk, later.pk}

    def test_worst_first_and_the_oldest_of_a_kind_first(self, support_client):
        tenant = make_organization()
        look(sign(tenant, "agent_drift", "a"))
        look(sign(tenant, "agent_drift", "a"), sign(tenant, "no_credit", "b"), sign(tenant, "silent", "c"))
        rows = support_client.get(QUEUE).context["rows"]
        assert [row.kind for row in rows] == ["no_credit", "silent", "agent_drift"]
        oldest = support_client.get(QUEUE, {"sort": "oldest"}).context["rows"]
        assert oldest[0].kind == "agent_drift"

    def test_kinds_are_counted_without_what_waits_not(self, support_client, support):
        snoozed = make_item(kind="silent")
        snooze_tenant(snoozed.organization, actor=support, until=timezone.now() + datetime.timedelta(hours=1))
        make_item(kind="silent")
        make_item(kind="silent", done_at=timezone.now())
        make_item(kind="silent", gone_at=timezone.now())
        (kind,) = support_client.get(QUEUE).context["kinds"]
        assert kind["count"] == 1 and kind["url"] == QUEUE + "?kind=silent"

    def test_the_navigation_says_how_many_wait(self, support_client):
        make_item()
        make_item(gone_at=timezone.now())
        assert '<span class="badge">1</span>' in check_page(support_client.get("/tenants/notes/"))

    def test_a_row_costs_no_query(self, support_client):
        make_item()
        few = count_queries(support_client, QUEUE)
        for _ in range(6):
            make_item()
        assert len(count_queries(support_client, QUEUE)) == len(few)

    def test_the_dashboard_leads_into_it(self, support_client):
        make_item()
        context = support_client.get("/").context
        assert {need.url: need.count for need in context["needs"]}[QUEUE] == 1
        assert QUEUE + "?assigned=me" in {need.url for need in context["quiet"]}
