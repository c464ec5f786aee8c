"""Postings that wait for a second person: nobody's own, once, in time, as they were asked for."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import ProgrammingError, connection, connections
from django.urls import reverse

from backoffice import testing
from backoffice.context import navigation
from backoffice.models import AuditEvent
from backoffice.services import acting
from backoffice.testing_crud import HOSTILE, PageTests, check_page, client_of
from billing.models import CreditRequest, CreditTransaction
from billing.services import decide_request, post_credit, withdraw_request
from billing.tests.factories import expire, make_posting, make_request
from tenants.models import Organization
from tenants.tests.factories import change, make_organization

LIST = reverse("billing:creditrequest_list")


class TestRequestPages(PageTests):
    model = CreditRequest
    odd_rows = False  # it is written by our functions alone, and the columns are checked

    def make(self, n):
        user = getattr(self, "asking", None) or testing.make_user("support", email="asking@example.test")
        self.asking = user
        return make_request(user, amount=f"{n + 1}.00")

    def spread(self, rows, order):
        with testing.platform():
            for n, row in enumerate(rows):
                CreditRequest.objects.filter(pk=row.pk).update(requested_at=f"2026-01-0{n % 3 + 1} 00:00+00")
        return "requested_at"

    def test_hostile_texts_are_shown(self, admin_client, support):
        row = make_request(support, reason=HOSTILE, reference=HOSTILE, note=HOSTILE)
        for url in (self.url("list"), self.url("detail", row.pk)):
            assert "&lt;script&gt;" in check_page(admin_client.get(url))


def page_of(request, name="detail"):
    return reverse(f"billing:creditrequest_{name}", args=[request.pk])


def decide(client, request, decision="approve", comment="", **more):
    return client.post(page_of(request, "decide"), {"decision": decision, "comment": comment}, **more)


def balance_of(request):
    return Organization.objects.get(pk=request.organization_id).credits_balance


class TestDecision:
    def test_approval_posts_with_the_decider_as_actor_and_links_both_ways(
        self, finance_client, finance, support
    ):
        tenant = make_organization(credits_balance="10.00")
        request = make_request(support, tenant, reason="Agreed by phone", reference="T-7", note="N")
        html = check_page(finance_client.get(page_of(request)))
        assert "10.00 → 5,010.00" in html and "Approve and post +5,000.00" in html
        html = check_page(decide(finance_client, request, comment="Checked", follow=True))
        assert "was approved and posted: the balance is 5,010.00 now." in html
        request.refresh_from_db()
        row = request.transaction
        assert (row.amount, row.kind, row.reason, row.reference, row.note) == (
            5000,
            "top_up",
            "Agreed by phone",
            "T-7",
            "N",
        )
        assert (row.actor_id, row.actor, row.balance_after) == (finance.pk, str(finance), 5010)
        assert (request.status, request.decided_by, request.comment) == ("approved", finance.pk, "Checked")
        assert row.get_absolute_url() in html
        html = check_page(finance_client.get(row.get_absolute_url()))
        assert page_of(request) in html and str(support) in html and "“Checked”" in html

    def test_leaves_entries_with_who_and_why(self, manager, support):
        request = make_request(support, reason="Asked by the customer")
        decide_request(request, actor=manager, approve=True)
        events = list(AuditEvent.objects.of(request).order_by("id"))
        assert [(event.action, event.actor, event.reason) for event in events] == [
            ("insert", str(support), "Asked by the customer"),
            ("update", str(manager), "Asked by the customer"),
            ("update", str(manager), "Asked by the customer"),
        ]
        other = make_request(support)
        decide_request(other, actor=manager, approve=False, comment="No invoice")
        assert AuditEvent.objects.of(other).first().reason == "No invoice"

    def test_refusal_needs_a_comment_and_changes_no_balance(self, manager_client, support):
        request = make_request(support)
        html = check_page(decide(manager_client, request, "decline"), 422)
        assert 'id="id_comment_error"' in html and "Say why it is declined." in html
        html = check_page(decide(manager_client, request, "decline", "No invoice", follow=True))
        assert "was declined" in html and "No invoice" in html
        assert CreditRequest.objects.get().status == "declined" and balance_of(request) == 0
        check_page(decide(manager_client, request, "approve", "After all"), 422)
        assert balance_of(request) == 0

    @pytest.mark.parametrize("decision", ["", "maybe", "approve\0"])
    def test_anything_else_decides_nothing(self, finance_client, support, decision):
        request = make_request(support)
        check_page(decide(finance_client, request, decision, "x"), 422)
        assert CreditRequest.objects.get().status == "pending"

    def test_its_address_opened_again_leads_to_the_request(self, finance_client, support_client, support):
        request = make_request(support)
        html = check_page(decide(finance_client, request, "decline"), 422)
        assert "Say why it is declined" in html and "Approve and post" in html
        answer = finance_client.get(page_of(request, "decide"))
        assert (answer.status_code, answer["Location"]) == (302, request.get_absolute_url())
        assert support_client.get(page_of(request, "decide")).status_code == 403
        request.refresh_from_db()
        assert request.status == "pending"

    def test_nobody_decides_about_their_own(self, finance_client, finance):
        request = make_request(finance)
        html = check_page(finance_client.get(page_of(request)))
        assert "somebody else decides about it" in html and "Approve and post" not in html
        for decision in ("approve", "decline"):
            html = check_page(decide(finance_client, request, decision, "Mine"), 422)
            assert "Nobody decides about a request of their own" in html
        assert CreditRequest.objects.get().status == "pending" and balance_of(request) == 0

    def test_admins_neither_ask_nor_decide_and_never_about_their_own(self, admin_client, admin, support):
        check_page(decide(admin_client, make_request(support)), 403)
        admin.groups.add(Group.objects.get(name="Finance"))
        own = make_request(admin)
        with pytest.raises(ValidationError, match="of their own"):
            decide_request(own, actor=admin, approve=True)
        assert own.transaction_id is None

    def test_support_does_not_decide(self, support_client, finance):
        request = make_request(finance)
        html = check_page(decide(support_client, request), 403)
        assert "billing.decide_credit" in html
        assert "Approve and post" not in check_page(support_client.get(page_of(request)))

    def test_an_approval_is_used_once(self, finance_client, manager_client, support):
        request = make_request(support)
        decide(finance_client, request)
        html = check_page(decide(finance_client, request, follow=True))
        assert "You already decided this" in html
        html = check_page(decide(manager_client, request), 422)
        assert "already approved by" in html and "Approve and post" not in html
        assert balance_of(request) == 5000 and CreditTransaction.objects.count() == 1

    def test_an_expired_one_is_approved_no_more(self, finance_client, support):
        request = make_request(support)
        expire(request)
        html = check_page(finance_client.get(page_of(request)))
        assert "it has expired" in html and "Approve and post" not in html
        assert "has expired" in check_page(decide(finance_client, request), 422)
        assert balance_of(request) == 0
        with pytest.raises(ValidationError, match="expired"):
            withdraw_request(request, actor=client_user(request), reason="x")

    def test_a_posting_that_is_not_possible_any_more_decides_nothing(self, finance_client, support):
        tenant = make_organization(credits_balance="10.00")
        request = make_request(support, tenant, amount="99999000.00")
        change(tenant, credits_balance="5000.00")
        html = check_page(finance_client.get(page_of(request)))
        assert "The balance moved from 10.00 to 5,000.00 since this was asked for." in html
        assert "must stay under 100,000,000" in check_page(decide(finance_client, request), 422)
        assert CreditRequest.objects.get().status == "pending" and balance_of(request) == 5000

    def test_of_an_organization_that_is_gone_is_declined_only(self, finance_client, support, owner):
        request = make_request(support)
        owner("delete from organizations where id = %s", [request.organization_id])
        assert "there is no balance left" in check_page(finance_client.get(page_of(request)))
        assert "no such organization" in check_page(decide(finance_client, request), 422)
        assert decide(finance_client, request, "decline", "Gone").status_code == 302


def client_user(request):
    from backoffice.models import User

    return User.objects.get(pk=request.requested_by)


class TestWithdrawal:
    def test_is_for_who_asked(self, support_client, finance_client, support):
        request = make_request(support)
        url = page_of(request, "withdraw")
        assert url in check_page(support_client.get(page_of(request)))
        assert url not in check_page(finance_client.get(page_of(request)))
        assert "withdrawn by who made it" in check_page(finance_client.post(url, {"reason": "x"}), 422)
        assert "was withdrawn" in check_page(support_client.post(url, {"reason": "Wrong"}, follow=True))
        row = CreditRequest.objects.get()
        assert (row.status, row.comment) == ("withdrawn", "Wrong")
        check_page(decide(finance_client, request), 422)
        assert balance_of(request) == 0


class TestQueue:
    def rows(self, client, **params):
        return set(client.get(LIST, params).context["rows"])

    def test_shows_what_waits_and_finds_the_rest(self, finance_client, finance, manager, support):
        waiting, mine, late, gone, off = (
            make_request(support),
            make_request(finance, kind="goodwill"),
            make_request(support),
            make_request(support),
            make_request(support),
        )
        expire(late)
        decide_request(gone, actor=manager, approve=True)
        withdraw_request(off, actor=support, reason="x")
        rows = lambda **params: self.rows(finance_client, **params)  # noqa: E731
        assert rows() == {waiting, mine}
        assert rows(state="mine") == {mine}
        assert rows(state="expired") == {late}
        assert rows(state="approved") == {gone}
        assert rows(state="withdrawn") == {off}
        assert rows(state="all") == {waiting, mine, late, gone, off}
        assert rows(kind="goodwill") == {mine}
        assert rows(organization=str(waiting.organization_id)) == {waiting}
        assert rows(requester=str(support.pk), state="all") == {waiting, late, gone, off}
        assert rows(since="2000-01-01", until="2000-01-02", state="all") == set()

    def test_the_navigation_counts_what_one_may_decide(self, rf, finance, manager, support, admin):
        make_request(support)
        make_request(finance)
        expire(make_request(support))

        def counted(user):
            request = rf.get("/")
            request.user = user
            return {item["label"]: item["count"] for part in navigation(request) for item in part["items"]}[
                "Requests"
            ]

        assert [counted(user) for user in (finance, manager, support, admin)] == ["1", "2", "", ""]

    def test_an_empty_queue_says_what_comes_here(self, finance_client):
        assert "above somebody&#x27;s limits" in check_page(finance_client.get(LIST))


class TestWhatTheDatabaseHolds:
    """Even if Python were wrong."""

    @pytest.mark.parametrize(
        "statement",
        [
            "update billing.credit_request set status = 'approved'",
            "update billing.credit_request set amount = 1",
            "insert into billing.credit_request (organization_id) values (gen_random_uuid())",
            "delete from billing.credit_request",
        ],
    )
    def test_requests_are_written_by_its_functions_alone(self, support, finance, statement):
        make_request(support)
        denied = pytest.raises(ProgrammingError, match="permission denied")
        with denied, acting(finance, "r"), connection.cursor() as cursor:
            cursor.execute(statement)

    @pytest.mark.parametrize(
        "other", [{"amount": Decimal("5000.01")}, {"reason": "Other"}, {"kind": "goodwill"}]
    )
    def test_an_approval_is_bound_to_what_it_says(self, support, finance, owner, other):
        request = make_request(support)
        owner(  # approved, and not posted: what no page can bring about
            "update billing.credit_request set status = 'approved', decided_by = %s where id = %s",
            [finance.pk, request.pk],
        )
        asked = {"amount": request.amount, "reason": request.reason, "kind": request.kind}
        for values in ({**asked, **other}, asked):
            organization = make_organization() if values == asked else request.organization
            with pytest.raises(ProgrammingError, match="No approved request says that"):
                post_credit(organization, actor=finance, idempotency_key=f"request:{request.pk}", **values)
        assert not CreditTransaction.objects.exists()


# At once


def both(fresh_database, decisions):
    """What two people's decisions about one request at the same time give: (statuses of the answers, the request)."""
    with fresh_database.platform():
        tenant = make_organization(credits_balance="1.00")
    with fresh_database.django():
        people = [testing.make_user(role) for role in ("finance", "manager")]
        request = make_request(testing.make_user("support"), tenant)

        def send(pair):
            try:
                return decide(client_of(pair[0]), request, pair[1], "Because").status_code
            finally:
                connections.close_all()

        pairs = [(people[n % 2], decision) for n, decision in enumerate(decisions)]
        with ThreadPoolExecutor(len(pairs)) as pool:
            statuses = list(pool.map(send, pairs))
        request.refresh_from_db()
        postings = CreditTransaction.objects.exclude(kind="outside").count()
        return statuses, request, postings, balance_of(request)


def test_two_people_approving_at_once_apply_it_once(fresh_database):
    statuses, request, postings, balance = both(fresh_database, ["approve"] * 10)
    # One person's answers tell of the approval, the other's that it was approved already.
    assert sorted(statuses) == [302] * 5 + [422] * 5
    assert (request.status, postings, balance) == ("approved", 1, 5001)


def test_approving_and_declining_at_once_is_one_of_both(fresh_database):
    statuses, request, postings, balance = both(fresh_database, ["approve", "decline"])
    assert sorted(statuses) == [302, 422]
    assert (request.status, postings, balance) in (("approved", 1, 5001), ("declined", 0, 1))


class TestReversal:
    def page(self, posting):
        return reverse("billing:credittransaction_reverse", args=[posting.pk])

    def send(self, client, posting, follow=False, **typed):
        from backoffice.testing_crud import form_values

        data = form_values(client.get(self.page(posting)))
        return client.post(self.page(posting), {**data, "reason": "Booked twice", **typed}, follow=follow)

    @pytest.mark.parametrize("amount", ["40.00", "-40.00"])
    def test_takes_back_all_that_is_left_and_is_linked_both_ways(self, finance_client, amount):
        posting = make_posting(make_organization(credits_balance="100.00"), amount)
        html = check_page(finance_client.get(posting.get_absolute_url()))
        assert self.page(posting) in html
        assert 'value="40.00"' in check_page(finance_client.get(self.page(posting)))
        html = check_page(self.send(finance_client, posting, follow=True))
        reversal = posting.reversals.get()
        assert (reversal.amount, reversal.kind) == (-posting.amount, "reversal")
        assert reversal.organization.credits_balance == 100
        assert posting.get_absolute_url() in html, "the reversal's page leads to the posting"
        html = check_page(finance_client.get(posting.get_absolute_url()))
        assert reversal.get_absolute_url() in html and "<strong>0.00</strong>" in html
        assert self.page(posting) not in html
        assert "Nothing is left" in check_page(finance_client.get(self.page(posting)))

    def test_is_never_more_than_what_is_left(self, finance_client):
        posting = make_posting(amount="40.00")
        self.send(finance_client, posting, amount="15.50")
        assert "24.50" in check_page(finance_client.get(self.page(posting)))
        response = self.send(finance_client, posting, amount="24.51")
        assert 'id="id_amount_error"' in check_page(response, 422)
        assert "Only 24.50 of this posting is left" in response.content.decode()
        assert self.send(finance_client, posting, amount="24.50").status_code == 302
        assert sum(row.amount for row in posting.reversals.all()) == -40

    @pytest.mark.parametrize("amount", ["0", "-5", "", "x", "1.234", "NaN"])
    def test_an_amount_that_is_none_is_refused_beside_its_field(self, finance_client, amount):
        posting = make_posting(amount="40.00")
        response = self.send(finance_client, posting, amount=amount)
        assert 'id="id_amount_error"' in check_page(response, 422)
        assert not posting.reversals.exists()

    def test_sent_twice_counts_once(self, finance_client):
        from backoffice.testing_crud import form_values

        posting = make_posting(amount="40.00")
        data = {**form_values(finance_client.get(self.page(posting))), "reason": "Booked twice"}
        assert {finance_client.post(self.page(posting), data).status_code for _ in range(3)} == {302}
        assert posting.reversals.get().amount == -40

    def test_above_the_limit_is_a_request_that_knows_what_is_left(self, finance_client, finance, manager):
        posting = make_posting(amount="5000.00")
        self.send(finance_client, posting, amount="3000")
        self.send(finance_client, posting, amount="2500")
        second, first = CreditRequest.objects.all()
        assert (first.kind, first.reverses_id, first.amount) == ("reversal", posting.pk, -3000)
        decide_request(first, actor=manager, approve=True)
        assert "Only 2,000.00 of the posting is left" in check_page(finance_client.get(page_of(second)))
        with pytest.raises(ValidationError, match=r"Only 2000.00 of this posting is left"):
            decide_request(second, actor=manager, approve=True)
        assert posting.left_to_reverse() == 2000

    def test_of_a_reversal_a_closing_or_a_lost_organization_there_is_none(self, finance_client, owner):
        posting = make_posting(make_organization(credits_balance="1.00"), "40.00")
        self.send(finance_client, posting)
        lost = make_posting(make_organization(name="Lost"), "1.00")
        owner("delete from organizations where id = %s", [lost.organization_id])
        closing = CreditTransaction.objects.get(kind="closing")
        for row in (posting.reversals.get(), closing, CreditTransaction.objects.get(pk=lost.pk)):
            assert self.page(row) not in check_page(finance_client.get(row.get_absolute_url()))
            assert "<textarea" not in check_page(finance_client.get(self.page(row)))
            check_page(finance_client.post(self.page(row), {"amount": "1", "reason": "x"}), 422)

    def test_a_change_from_outside_is_reversed_too(self, finance_client):
        tenant = make_organization(credits_balance="10.00")
        change(tenant, credits_balance="3.00")
        row = CreditTransaction.objects.first()
        assert self.send(finance_client, row).status_code == 302
        tenant.refresh_from_db()
        assert tenant.credits_balance == 10

    def test_is_for_finance(self, support_client):
        posting = make_posting()
        assert "billing.post_credit" in check_page(support_client.get(self.page(posting)), 403)
