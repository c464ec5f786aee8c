"""Files of postings: checked row by row, approved once by somebody else, posted once each, whatever happens."""

import csv
import datetime
import io
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from backoffice import jobs, testing
from backoffice.models import AuditEvent, Job, ReadLog
from backoffice.testing import platform
from backoffice.testing_crud import HOSTILE, check_page, client_of, count_queries
from billing.bulk_postings import posting as postings
from billing.bulk_postings.reading import MOST_BYTES, MOST_ROWS, read_lines
from billing.models import BulkPosting, CreditTransaction
from billing.tests.factories import set_limits
from tenants.tests.factories import change, make_organization, make_profile

ADD = reverse("billing:bulkposting_add")
LIST = reverse("billing:bulkposting_list")
HEAD = "organization,amount,reason,reference"


@pytest.fixture
def second(db):
    """Another member of finance, who decides about what the first one checked."""
    return testing.make_user("finance", email="second@example.test", first_name="Second")


def file_of(*rows, head=HEAD, ends="\n"):
    return ends.join([head, *rows, ""]).encode()


def upload(client, content, name="june.csv", kind="goodwill", reason="June"):
    data = {"file": SimpleUploadedFile(name, content, "text/csv"), "kind": kind, "reason": reason}
    return client.post(ADD, data)


def checked(client, *rows, **more):
    """The BulkPosting of a file with these rows."""
    response = upload(client, file_of(*rows), **more)
    assert response.status_code == 302, response.content.decode()[-3000:]
    return BulkPosting.objects.get(pk=response.url.strip("/").split("/")[-1])


def problems(posting):
    return list(posting.rows.order_by("number").values_list("number", "problem"))


def page(posting, name="detail"):
    return reverse(f"billing:bulkposting_{name}", args=[posting.pk])


def approve(posting, actor):
    job = postings.approve_bulk_posting(posting, actor=actor, reason="Agreed")
    posting.refresh_from_db()
    return job


def run(posting):
    jobs.run(str(posting.job_id))
    return Job.objects.get(pk=posting.job_id)


def ledger(posting):
    found = CreditTransaction.objects.filter(idempotency_key__startswith=f"bulk:{posting.pk}:")
    return {row.organization_id: row.amount for row in found}


def queries_of(lines, actor):
    with CaptureQueriesContext(connection) as queries:
        postings.prepare_bulk_posting("f", lines, actor=actor, reason="r", kind="refund")
    return len(queries)


class TestChecking:
    def test_every_problem_is_told_and_the_others_can_be_posted(self, finance_client):
        good, owned, twice, rich = (make_organization() for _ in range(4))
        rich = change(rich, credits_balance="99999999.00")
        owner = make_profile(email="Several@Example.test")
        make_organization(owner=owner, name="Second of several")
        mail = change(owned.owner, email="Owner.of@Example.test").email
        posting = checked(
            finance_client,
            f"{good.pk},12.50,Calls failed,T-1",
            f"{mail.upper()},-3,Booked twice,",
            "nobody@example.test,1,r,",
            "00000000-0000-4000-8000-000000000009,1,r,",
            "several@example.test,1,r,",
            f"{twice.pk},1000,r,",
            f"{twice.pk},1,r,",
            f"{make_organization().pk},1000.01,r,",
            f"{make_organization().pk},-1000.01,r,",
            f"{rich.pk},1,r,",
            f"{make_organization().pk},abc,r,",
            f"{make_organization().pk},5,,",
            "not an id,5,r,",
            f"{make_organization().pk},5,r",
        )
        assert problems(posting) == [
            (2, None), (3, None), (4, "unknown"), (5, "unknown"), (6, "ambiguous"), (7, None), (8, "duplicate"),
            (9, "over_limit"), (10, "over_limit"), (11, "out_of_range"), (12, "malformed"), (13, "malformed"),
            (14, "malformed"), (15, "malformed"),
        ]  # fmt: skip
        assert (posting.row_count, posting.left_out, posting.amount) == (3, 11, Decimal("1009.50"))
        assert not CreditTransaction.objects.filter(amount__in=["12.50", "-3"]).exists()
        html = check_page(finance_client.get(page(posting)))
        for words in (
            "Second of several",
            "Line 7 names the same organization",
            "1,000.00 at once",
            "+12.50",
        ):
            assert words in html
        assert "4 cells" in html or "3 cells where the heading has 4" in html

    @pytest.mark.parametrize(
        "amount",
        [
            "1,5",
            "1.234",
            "1e3",
            "0",
            "0.00",
            "NaN",
            "Infinity",
            "",
            "--1",
            "1_000",
            "٣",
            "100000000",
            "1 000",
        ],
    )
    def test_an_amount_is_refused_and_never_misread(self, finance_client, amount):
        posting = checked(finance_client, f'{make_organization().pk},"{amount}",r,')
        row = posting.rows.get()
        assert (row.problem, row.amount, row.given_amount) == ("malformed", None, amount)

    @pytest.mark.parametrize(
        ("amount", "meant"), [("1,250.50", "1250.50"), ("+5", "5"), ("-0.01", "-0.01"), (" 7.10 ", "7.10")]
    )
    def test_amounts_as_people_write_them(self, finance_client, amount, meant):
        tenant = make_organization()
        set_limits()
        assert checked(finance_client, f'{tenant.pk},"{amount}",r,').rows.get().amount == Decimal(meant)

    def test_a_comma_that_may_be_decimal_is_refused_where_commas_do_not_separate(self, finance_client):
        one, two = make_organization(), make_organization()
        content = file_of(f"{one.pk};1,500;r", f"{two.pk};1,000.00;r", head="organization;amount;reason")
        response = upload(finance_client, content)
        rows = BulkPosting.objects.get(pk=response.url.strip("/").split("/")[-1]).rows.order_by("number")
        assert [(row.problem, row.amount) for row in rows] == [("malformed", None), (None, 1000)]

    def test_a_comma_that_is_not_quoted_breaks_the_row_and_is_explained(self, finance_client):
        row = checked(finance_client, f"{make_organization().pk},1,250.50,r,ref").rows.get()
        assert row.problem == "malformed" and "needs quotation marks" in row.message

    def test_support_and_managers_check_nothing(self, support_client, manager_client, admin_client):
        for client in (support_client, manager_client, admin_client):
            assert "prepare_bulk_posting" in check_page(client.get(ADD), 403)
            check_page(upload(client, file_of("x,1,r,")), 403)
        assert not BulkPosting.objects.exists()

    def test_five_thousand_rows_take_as_many_queries_as_one(self, finance_client, finance):
        one = make_organization()
        lines = read_lines(file_of(f"{one.pk},1,r,", "nobody@example.test,1,r,"))
        many = read_lines(
            file_of(*(f"nobody{n}@example.test,1,r," for n in range(MOST_ROWS - 1)), f"{one.pk},1,r,")
        )
        assert queries_of(lines, finance) == queries_of(many, finance) <= 14
        posting = BulkPosting.objects.order_by("row_count", "left_out").last()
        assert (posting.row_count, posting.left_out) == (1, MOST_ROWS - 1)
        seen, url = [], page(posting)
        response = finance_client.get(url)
        assert len(response.context["rows"]) == 50
        while True:
            seen += [row.number for row in response.context["rows"]]
            if not response.context["next_url"] or len(seen) > 200:
                break
            response = finance_client.get(url + response.context["next_url"])
        assert seen == list(range(2, 252))
        response = finance_client.get(url, {"rows": "to-post"})
        assert [row.number for row in response.context["rows"]] == [MOST_ROWS + 1]


class TestFiles:
    @pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    def test_separators_line_ends_order_and_a_bom_do_not_matter(self, separator, ends):
        text = ends.join([
            "", separator.join(["Reason", " AMOUNT ", "Organization"]), "", separator.join(['"Said ""so"""', "5", "a@b.c"]),
            separator * 2,
        ])  # fmt: skip
        (line,) = read_lines("\ufeff".encode() + text.encode())
        assert (line.number, line.reason, line.amount, line.organization) == (4, 'Said "so"', "5", "a@b.c")

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "is empty"),
            (b"\n \n", "is empty"),
            (b"\xef\xbb\xbf", "is empty"),
            (HEAD.encode(), "no row below"),
            (b"a@b.c,1,r\n", "Missing: organization, amount, reason"),
            (b"organization,amount\nx,1", "Missing: reason"),
            (b"organization,amount,reason,colour\nx,1,r,red", "Unknown columns: colour"),
            (b"organization,amount,reason,\nx,1,r,", "(no heading)"),
            (b"organization,amount,reason,amount\nx,1,r,2", "twice"),
            (b'"organization,amount,reason\nx,1,r', "quotation mark"),
            (file_of("x,1,r\0,"), "NUL"),
            (b"PK\x03\x04rest", "spreadsheet"),
            (file_of("x,1,r,").decode().encode("utf-16"), "UTF-16"),
            (file_of("x,1,Gr\xf6\xdfe,").decode().encode("cp1252"), "Line 2 is not in UTF-8"),
            (file_of('x,1,"open', "y,2,r,"), "Line 2: a quotation mark is opened there and never closed"),
            (file_of('x,1,"two', 'lines",'), "Line 2: a quotation mark is opened"),
            (file_of("x,1," + "r" * 200_000 + ","), "Line 2"),
            (file_of("x,1," + "r" * 20_000 + ","), "longer than 10,000"),
            (file_of(*["x,1,r,"] * (MOST_ROWS + 1)), "more than 5,000 rows"),
            (b"x" * (MOST_BYTES + 1), "larger than 2 MB"),
        ],
    )
    def test_what_cannot_be_read_is_explained_beside_the_file(self, finance_client, content, words):
        if not content:
            with pytest.raises(ValidationError, match="empty"):
                read_lines(content)
            return
        response = upload(finance_client, content, reason="Kept as typed")
        html = check_page(response, 422)
        assert words in response.context["form"].errors["file"][0]
        assert "Kept as typed" in html and not BulkPosting.objects.exists()

    def test_hostile_texts_are_shown_and_exported_harmlessly(self, finance_client):
        cell = '"' + HOSTILE.replace('"', '""') + '"'
        posting = checked(finance_client, f'{cell},=1+1,"=cmd|x!A1",@x', name="<b>x</b>.csv")
        html = check_page(finance_client.get(page(posting)))
        assert "<script>alert" not in html and "<b>x</b>" not in html
        text = b"".join(finance_client.get(page(posting, "results")).streaming_content).decode()
        (row,) = csv.DictReader(io.StringIO(text))
        assert (row["reason"], row["given_amount"], row["reference"]) == ("'=cmd|x!A1", "'=1+1", "'@x")

    def test_the_empty_file_has_the_headings(self, finance_client):
        answer = finance_client.get(reverse("billing:bulkposting_example"))
        assert answer.content.decode().strip() == HEAD

    def test_a_form_without_a_file_says_so(self, finance_client):
        check_page(finance_client.post(ADD, {"kind": "goodwill", "reason": "r"}), 422)


class TestTheSameFile:
    def test_is_refused_with_a_link_to_the_earlier_one(self, finance_client, second):
        one, two = make_organization(), make_organization()
        rows = [f"{one.pk},5,r,", f"{two.pk},1,r,"]
        posting = checked(finance_client, *rows)
        for _ in range(2):
            for content, kind in (
                (file_of(*rows), "goodwill"),
                (file_of(*reversed(rows), ends="\r\n"), "goodwill"),
                (file_of(f"{one.pk},5.00,r,", rows[1]), "refund"),
            ):
                html = check_page(upload(finance_client, content, name="other.csv", kind=kind), 422)
                assert posting.get_absolute_url() in html and "Nothing is posted twice" in html
            if posting.status == "pending":
                approve(posting, second)
                run(posting)
        assert BulkPosting.objects.count() == 1
        checked(finance_client, f"{one.pk},5,other reason,", rows[1])

    def test_rows_that_were_posted_from_another_file_are_pointed_out(self, finance_client, second):
        one, two = make_organization(), make_organization()
        first = checked(finance_client, f"{one.pk},5,r,", f"{two.pk},5,r,")
        approve(first, second)
        later = checked(finance_client, f"{one.pk},5.00,r,", f"{two.pk},5,other,")
        html = check_page(finance_client.get(page(later)))
        assert '<a href="?rows=repeated">1 of its rows</a>' in html
        assert [
            row.number for row in finance_client.get(page(later), {"rows": "repeated"}).context["rows"]
        ] == [2]
        assert "repeated" not in check_page(finance_client.get(page(first)))

    @pytest.mark.parametrize("way", ["decline", "withdraw", "expire"])
    def test_may_come_back_when_nothing_came_of_it(self, finance_client, finance, second, way):
        rows = [f"{make_organization().pk},5,r,"]
        posting = checked(finance_client, *rows)
        if way == "decline":
            postings.decline_bulk_posting(posting, actor=second, reason="no")
        elif way == "withdraw":
            postings.withdraw_bulk_posting(posting, actor=finance, reason="no")
        else:
            expire(posting)
        assert checked(finance_client, *rows).pk != posting.pk

    def test_the_database_refuses_it_too(self, finance):
        lines = read_lines(file_of(f"{make_organization().pk},5,r,"))
        postings.prepare_bulk_posting("f.csv", lines, actor=finance, reason="r", kind="goodwill")
        with pytest.raises(ValidationError, match=r"checked before, by Finance .*f\.csv.*pending"):
            postings.prepare_bulk_posting("g.csv", lines, actor=finance, reason="r", kind="refund")


def expire(posting):
    with platform():
        BulkPosting.objects.filter(pk=posting.pk).update(
            expires_at=timezone.now() - datetime.timedelta(seconds=1)
        )


class TestDeciding:
    def test_approved_is_posted_with_the_approver_as_actor(self, finance_client, finance, second):
        one, two = make_organization(credits_balance="1.00"), make_organization()
        posting = checked(
            finance_client, f"{one.pk},5,Calls failed,T-1", f"{two.pk},-2.50,Booked twice,", "x@y.z,1,r,"
        )
        client = client_of(second)
        html = check_page(client.get(page(posting)))
        assert page(posting, "approve") in html and "6.00" in html and page(posting, "withdraw") not in html
        html = check_page(client.get(page(posting, "approve")))
        assert "Rows to post, with you as the actor: 2, +2.50 in all" in html
        response = client.post(page(posting, "approve"), {"reason": "Agreed"})
        assert response.url == page(posting)
        posting.refresh_from_db()
        assert (posting.status, posting.decided_by, posting.job.status) == ("approved", second.pk, "queued")
        assert not ledger(posting)
        assert 'hx-trigger="every 1s"' in check_page(client.get(page(posting)))
        job = run(posting)
        assert (job.status, job.message, job.done, job.total) == ("succeeded", "2 posted, 0 failed.", 2, 2)
        assert ledger(posting) == {one.pk: Decimal("5.00"), two.pk: Decimal("-2.50")}
        row = CreditTransaction.objects.get(organization_id=one.pk, kind="goodwill")
        assert (row.actor_id, row.reason, row.reference, row.balance_after) == (
            second.pk,
            "Calls failed",
            "T-1",
            6,
        )
        html = check_page(finance_client.get(page(posting)))
        assert row.get_absolute_url() in html and "every 1s" not in html
        html = check_page(finance_client.get(row.get_absolute_url()))
        assert page(posting) in html and "june.csv</bdi></a>, line 2" in html
        answer = finance_client.get(page(posting, "results"))
        rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
        assert [(r["line"], r["outcome"], r["amount"]) for r in rows] == [
            ("2", "posted", "5.00"), ("3", "posted", "-2.50"), ("4", "left out: unknown", "1.00"),
        ]  # fmt: skip
        assert rows[0]["posting"] == str(row.pk) and rows[0]["time"] and not rows[2]["posting"]
        assert ReadLog.objects.filter(kind="export", row_id=str(posting.pk), actor_id=finance.pk).count() == 1

    def test_nobody_decides_about_their_own(self, finance_client, finance):
        posting = checked(finance_client, f"{make_organization().pk},5,r,")
        html = check_page(finance_client.get(page(posting)))
        assert page(posting, "approve") not in html and page(posting, "withdraw") in html
        for name in ("approve", "decline"):
            html = check_page(finance_client.post(page(posting, name), {"reason": "me"}), 422)
            assert "somebody else has to" in html
        posting.refresh_from_db()
        assert (posting.status, posting.job_id) == ("pending", None) and not Job.objects.exists()

    def test_only_who_checked_it_withdraws(self, finance_client, second):
        posting = checked(finance_client, f"{make_organization().pk},5,r,")
        html = check_page(client_of(second).post(page(posting, "withdraw"), {"reason": "r"}), 422)
        assert "withdrawn by who checked it" in html
        assert finance_client.post(page(posting, "withdraw"), {"reason": "Wrong month"}).status_code == 302
        posting.refresh_from_db()
        assert (posting.status, posting.comment) == ("withdrawn", "Wrong month")

    def test_admins_and_support_do_not_decide_and_managers_do(
        self, finance_client, admin_client, support_client, manager_client
    ):
        posting = checked(finance_client, f"{make_organization().pk},5,r,")
        for client in (admin_client, support_client):
            for name in ("approve", "decline", "withdraw", "stop", "resume"):
                check_page(client.post(page(posting, name), {"reason": "r"}), 403)
            check_page(client.get(page(posting)))
        assert manager_client.post(page(posting, "approve"), {"reason": "r"}).status_code == 302

    def test_it_is_decided_once(self, finance_client, second):
        posting = checked(finance_client, f"{make_organization().pk},5,r,")
        approve(posting, second)
        for verb in (postings.approve_bulk_posting, postings.decline_bulk_posting):
            with pytest.raises(ValidationError, match="already approved by Second"):
                verb(posting, actor=second, reason="again")
        assert Job.objects.count() == 1

    def test_expired_is_not_approved(self, finance_client, second):
        posting = checked(finance_client, f"{make_organization().pk},5,r,")
        expire(posting)
        client = client_of(second)
        html = check_page(client.get(page(posting)))
        assert "Nobody decided about it in time" in html and page(posting, "approve") not in html
        assert "expired" in check_page(client.post(page(posting, "approve"), {"reason": "r"}), 422)
        assert not Job.objects.exists()
        for state, found in (("expired", [posting]), ("pending", []), ("mine", [])):
            assert client.get(LIST, {"status": state}).context["rows"] == found

    def test_a_file_of_problems_alone_is_not_approved(self, finance_client, second):
        posting = checked(finance_client, "x@y.z,5,r,")
        with pytest.raises(ValidationError, match="No row of this file"):
            approve(posting, second)
        assert page(posting, "approve") not in check_page(client_of(second).get(page(posting)))

    def test_the_counter_counts_what_waits_for_oneself(self, finance_client, second, support_client):
        posting = checked(finance_client, f"{make_organization().pk},5,r,")
        client = client_of(second)
        html = check_page(client.get(LIST))
        assert "1 waiting for your decision" in html
        for other in (finance_client, support_client):
            assert "waiting for your decision" not in check_page(other.get(LIST))
        assert client.get(LIST, {"status": "mine"}).context["rows"] == [posting]
        assert finance_client.get(LIST, {"status": "mine"}).context["rows"] == []

    def test_the_decision_is_audited_with_who_and_why(self, finance_client, second):
        posting = checked(finance_client, f"{make_organization().pk},5,r,")
        approve(posting, second)
        events = AuditEvent.objects.filter(table_name="billing.bulk_posting").order_by("id")
        assert [(event.actor_id, event.reason) for event in events] == [
            (finance_client.user.pk, "June"),
            (second.pk, "Agreed"),
        ]


class TestPosting:
    def test_what_the_ledger_refuses_fails_alone(self, finance_client, second, owner):
        gone, one = make_organization(), make_organization()
        posting = checked(finance_client, f"{gone.pk},5,r,", f"{one.pk},6,r,")
        approve(posting, second)
        owner("delete from organizations where id = %s", [gone.pk])
        job = run(posting)
        assert (job.status, job.message) == ("succeeded", "1 posted, 1 failed.")
        row = posting.rows.get(outcome="failed")
        assert row.message == "There is no such organization." and ledger(posting) == {one.pk: 6}
        html = check_page(finance_client.get(page(posting), {"rows": "failed"}))
        assert "There is no such organization." in html
        parts = finance_client.get(page(posting)).context["parts"]
        assert [(part["label"], part["count"]) for part in parts] == [
            ("All rows", 2),
            ("Posted", 1),
            ("Failed", 1),
        ]

    def test_the_same_job_run_again_posts_nothing(self, finance_client, second):
        tenant = make_organization()
        posting = checked(finance_client, f"{tenant.pk},5,r,")
        approve(posting, second)
        for _ in range(3):
            run(posting)
            Job.objects.filter(pk=posting.job_id).update(status="queued")
        assert CreditTransaction.objects.filter(organization_id=tenant.pk).count() == 1

    def test_a_stopped_run_is_resumed_by_somebody_else(
        self, finance_client, second, manager_client, monkeypatch
    ):
        tenants = [make_organization() for _ in range(3)]
        posting = checked(finance_client, *(f"{tenant.pk},5,r," for tenant in tenants))
        approve(posting, second)
        post = postings.call

        def stop_after_one(name, arguments, **more):
            post(name, arguments, **more)
            client_of(second).post(page(posting, "stop"))

        monkeypatch.setattr(postings, "call", stop_after_one)
        monkeypatch.setattr(jobs, "REPORT_EVERY_SECONDS", -1)
        job = run(posting)
        monkeypatch.undo()
        assert (job.status, job.message) == (
            "cancelled", "Cancelled while it ran. 1 posted, 0 failed, 2 still to post.",
        )  # fmt: skip
        html = check_page(manager_client.get(page(posting)))
        assert page(posting, "resume") in html and "To post" in html
        manager_client.post(page(posting, "resume"))
        job = run(posting)
        assert (job.status, job.done, len(ledger(posting))) == ("succeeded", 3, 3)

    def test_an_approver_who_was_suspended_posts_nothing_more(self, finance_client, second):
        posting = checked(finance_client, f"{make_organization().pk},5,r,")
        approve(posting, second)
        type(second).objects.filter(pk=second.pk).update(is_active=False)
        job = run(posting)
        assert job.status == "failed" and "was suspended" in job.message and "1 still to post" in job.message

    def test_stop_before_the_approval_says_so(self, finance_client, second):
        posting = checked(finance_client, f"{make_organization().pk},5,r,")
        html = check_page(client_of(second).post(page(posting, "stop"), follow=True))
        assert "Nothing of this file is being posted" in html


def test_pages_ask_as_much_for_one_row_as_for_many(finance_client):
    few = checked(finance_client, f"{make_organization().pk},5,r,")
    many = checked(finance_client, *(f"{make_organization().pk},5,r," for _ in range(20)))
    assert len(count_queries(finance_client, page(few))) >= len(count_queries(finance_client, page(many)))
