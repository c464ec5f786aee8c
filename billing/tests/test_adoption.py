"""Changes from outside: marked with the role that made them, stood for once and with a reason, or waiting."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ValidationError
from django.db import connections
from django.urls import reverse

from backoffice import bulk, jobs, testing
from backoffice.models import AuditEvent
from backoffice.testing_crud import HOSTILE, PageTests, check_page, form_values
from billing.models import Adoption, CreditTransaction
from billing.services import adopt_change
from billing.tests.factories import make_adoption, make_outside, make_posting, make_reversal
from tenants.tests.factories import make_organization

LIST = reverse("billing:credittransaction_list")


class TestAdoptionPages(PageTests):
    model = Adoption
    odd_rows = False  # written by one function alone

    @pytest.fixture(autouse=True)
    def _one_row(self, db, finance):
        self.actor = finance
        self.obj = self.make(0)

    def make(self, n):
        return make_adoption(make_outside(amount=f"-{n + 1}.00"), actor=self.actor)


def page(change):
    return reverse("billing:adopt_change", args=[change.pk])


def test_who_comes_too_late_types_no_reason(finance_client):
    """A row of the back office, one somebody stands for, and one that was reversed as a whole ask for nobody."""
    reversed_change = make_outside(make_organization(credits_balance="10.00"), "-2.00")
    make_reversal(reversed_change)
    for change, why in (
        (make_posting(), "it came through the back office"),
        (make_adoption().transaction, "does already"),
        (reversed_change, "it was reversed as a whole"),
    ):
        assert page(change) not in check_page(finance_client.get(change.get_absolute_url()))
        response = finance_client.get(page(change))
        assert response.url == change.get_absolute_url()
        assert why in check_page(finance_client.get(response.url))


def test_standing_for_a_change_keeps_who_and_why(finance_client, finance):
    change = make_outside(make_organization(credits_balance="10.00"), "-2.75")
    html = check_page(finance_client.get(change.get_absolute_url()))
    assert "database role postgres made it. Nobody stands for it yet." in html and page(change) in html
    data = form_values(finance_client.get(page(change)))
    data |= {"reason": "The runtime deducts by itself", "reference": "RUN-7"}
    html = check_page(finance_client.post(page(change), data, follow=True))
    assert "The runtime deducts by itself" in html and "RUN-7" in html and f"{finance} stands for it." in html
    assert page(change) not in html, "once is enough"
    adoption = Adoption.objects.get()
    assert (adoption.transaction_id, adoption.actor, adoption.actor_id) == (
        change.pk,
        str(finance),
        finance.pk,
    )
    assert adoption.organization_id == change.organization_id
    event = AuditEvent.objects.of(adoption).get()
    assert (event.actor, event.reason, event.action) == (
        str(finance),
        "The runtime deducts by itself",
        "insert",
    )
    again = CreditTransaction.objects.get(pk=change.pk)
    assert (again.kind, again.amount, again.db_role) == ("outside", change.amount, "postgres"), (
        "the row stays"
    )


def test_a_reason_is_asked_for_and_nothing_typed_is_lost(finance_client):
    change = make_outside()
    response = finance_client.post(page(change), {"reason": " ", "reference": HOSTILE})
    assert 'id="id_reason_error"' in check_page(response, 422)
    assert form_values(response)["reference"] == HOSTILE
    assert not Adoption.objects.exists()


def test_it_is_for_finance_alone(support_client, manager_client, admin_client):
    change = make_outside()
    for client in (support_client, manager_client, admin_client):
        assert "billing.adopt_change" in check_page(client.post(page(change), {"reason": "r"}), 403)
        assert page(change) not in check_page(client.get(change.get_absolute_url()))
    assert not Adoption.objects.exists()


def test_what_came_through_the_back_office_is_not_adopted(finance, finance_client):
    posting = make_posting()
    assert page(posting) not in check_page(finance_client.get(posting.get_absolute_url()))
    with pytest.raises(ValidationError, match="did not come from outside"):
        adopt_change(posting, actor=finance, reason="r")


def test_a_change_is_adopted_once(finance, finance_client):
    change = make_outside()
    make_adoption(change, actor=finance, reason="First")
    response = finance_client.post(page(change), {"reason": "Second"})
    assert "stands for posting" in check_page(response, 422) and "First" in response.content.decode()
    assert Adoption.objects.get().reason == "First"


def test_a_change_that_was_reversed_as_a_whole_is_not_adopted_and_one_in_part_is(finance, finance_client):
    tenant = make_organization(credits_balance="50.00")
    whole, part = make_outside(tenant, "5.00"), make_outside(tenant, "7.00")
    make_reversal(whole)
    make_reversal(part, "-6.99")
    assert "It was reversed as a whole." in check_page(finance_client.get(whole.get_absolute_url()))
    assert "Nobody stands for it yet." in check_page(finance_client.get(part.get_absolute_url()))
    with pytest.raises(ValidationError, match="reversed as a whole"):
        adopt_change(whole, actor=finance, reason="r")
    assert adopt_change(part, actor=finance, reason="r").transaction_id == part.pk


def test_ten_people_at_once_adopt_it_once(fresh_database):
    with fresh_database.platform():
        change = make_outside()
    with fresh_database.django():
        people = [testing.make_user("finance", email=f"f{n}@example.test") for n in range(10)]

        def adopt(person):
            try:
                adopt_change(change, actor=person, reason=f"By {person.pk}")
            except ValidationError:
                return False
            finally:
                connections.close_all()
            return True

        with ThreadPoolExecutor(10) as pool:
            assert sorted(pool.map(adopt, people)) == [False] * 9 + [True]
        assert Adoption.objects.count() == 1


class TestWorkQueue:
    def rows(self, client, **params):
        response = client.get(LIST, params)
        check_page(response)
        return set(response.context["rows"])

    def test_filters_tell_what_waits_from_what_is_explained(self, finance, finance_client):
        tenant = make_organization()
        posting = make_posting(tenant, "100.00")
        waits, adopted, reversed_, part = (make_outside(tenant, f"{n}.00") for n in (1, 2, 3, 4))
        make_adoption(adopted, actor=finance)
        back = make_reversal(reversed_)
        back_part = make_reversal(part, "-3.99")
        rows = lambda **params: self.rows(finance_client, **params)  # noqa: E731
        assert rows(outside="unexplained") == {waits, part}
        assert rows(outside="adopted") == {adopted}
        assert rows(outside="any") == {waits, adopted, reversed_, part}
        assert rows(reversed="wholly") == {reversed_}
        assert rows(reversed="yes") == {reversed_, part}
        assert rows(reversed="no") == {posting, waits, adopted, back, back_part}

    def test_many_are_adopted_at_once_each_once(self, finance, finance_client):
        tenant = make_organization(credits_balance="100.00")
        changes = [make_outside(tenant) for _ in range(5)]
        make_adoption(changes[0], actor=finance, reason="Before")
        posting = make_posting(tenant)
        response = finance_client.post(
            reverse("list_bulk", args=["billing:credittransaction_list"]),
            {"action": "AdoptChange", "row": [row.pk for row in [*changes, posting]], "query": ""},
        )
        confirm = finance_client.get(response.url)
        check_page(confirm)
        finance_client.post(response.url, form_values(confirm) | {"reason": "The runtime deducts"})
        run = bulk.BulkRun.objects.get()
        jobs.run(run.job_id)
        assert bulk.counts(run) == {"changed": 4, "skipped": 2, "failed": 0}
        assert (
            sorted(Adoption.objects.values_list("reason", flat=True))
            == ["Before"] + ["The runtime deducts"] * 4
        )
