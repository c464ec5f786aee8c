"""Files of postings: checked, decided about by a second person, posted by a job, with what became of each row."""

import csv
import io

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import Count, F, Q, Sum
from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html

from backoffice import generic, keyset, services
from backoffice.context import counts
from backoffice.filters import Query
from backoffice.forms import ReasonForm
from backoffice.generic.memory import PLACES
from backoffice.spreadsheets import guarded
from backoffice.views.bulk import Line, streaming
from billing.bulk_postings import posting as postings
from billing.bulk_postings.checking import balance_of
from billing.bulk_postings.reading import COLUMNS, MOST_BYTES, MOST_ROWS, read_lines
from billing.filters import BulkPostingFilter
from billing.forms import POSTED_BY_HAND
from billing.limits import limit_of
from billing.models import BulkPosting, BulkPostingRow
from billing.tables import BulkPostingTable

LIST = "billing:bulkposting_list"
Problem = BulkPostingRow.Problem
PREPARE, DECIDE = "billing.prepare_bulk_posting", "billing.decide_bulk_posting"
TO_POST = Q(problem=None, outcome=None)
# What the rows of a file are told apart by: {name in the address: (label, condition)}.
STATES = {
    "to-post": ("To post", TO_POST),
    "posted": ("Posted", Q(outcome="posted")),
    "failed": ("Failed", Q(outcome="failed")),
    **{value: (label, Q(problem=value)) for value, label in Problem.choices},
}
REPEATED = "repeated"
EXAMPLE = [
    COLUMNS,
    ("owner@example.com", "25.00", "Calls failed on Friday", "TICKET-4711"),
    ("00000000-0000-4000-8000-000000000000", "-1,250.50", "Invoice was booked twice", "INV-2301"),
]


class BulkPostingForm(ReasonForm):
    file = forms.FileField(
        max_length=200,
        help_text=f"CSV in UTF-8, up to {MOST_ROWS:,} rows and {MOST_BYTES // 1024**2} MB.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,text/csv"}),
    )
    kind = forms.ChoiceField(choices=POSTED_BY_HAND)
    field_order = ["file", "kind", "reason"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = "Why this file is to be posted: for whoever decides about it."

    def clean_file(self):
        """The Lines of the file; `file_name` is its name without what cannot be printed."""
        file = self.cleaned_data["file"]
        lines = read_lines(file.read(MOST_BYTES + 1))
        if known := postings.earlier(postings.fingerprint(lines)):
            link = format_html('<a href="{}">{}</a>', known.get_absolute_url(), known)
            raise ValidationError(
                format_html(
                    "The same rows were checked before, as {} by {}, and are {}. Nothing is posted twice.",
                    link, known.requested_by_name, known.get_status_display().lower(),
                )
            )  # fmt: skip
        self.file_name = "".join(sign for sign in file.name if sign.isprintable()) or "file.csv"
        return lines


class CommentForm(ReasonForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["reason"].label = "Comment"
        self.fields["reason"].help_text = "Kept with the decision."


class BulkPostingList(generic.ListView):
    model = BulkPosting
    queryset = BulkPosting.objects.select_related("job")
    table_class = BulkPostingTable
    filterset_class = BulkPostingFilter
    orders = {"checked": generic.Order(F("requested_at"), by_time=True)}
    nothing_yet = (
        "A CSV with organizations, amounts and reasons is checked row by row, approved by a second person and posted"
        " by a job."
    )

    def extra_context(self):
        user = self.request.user
        return {
            "check_url": reverse("billing:bulkposting_add") if user.has_perm(PREPARE) else "",
            "waiting": counts(user, [LIST]).get(LIST, ""),
            "waiting_url": f"?status={BulkPostingFilter.WAITING_FOR_ME}",
        }


class BulkPostingCreate(generic.ModelPage):
    model = BulkPosting
    page = "add"
    action = "prepare"
    permission = PREPARE
    template_name = "billing/bulkposting_add.html"

    def deed(self):
        return "check files of postings"

    def get(self, request):
        return self.show(BulkPostingForm())

    def post(self, request):
        form = BulkPostingForm(request.POST, request.FILES)
        if form.is_valid():
            data = form.cleaned_data
            try:
                posting = postings.prepare_bulk_posting(
                    form.file_name, data["file"], actor=request.user, reason=data["reason"], kind=data["kind"]
                )
            except ValidationError as error:
                form.add_error("file", error)
            else:
                left_out = f" Left out: {posting.left_out:,}." if posting.left_out else ""
                messages.success(
                    request,
                    f"{posting} was checked: rows that can be posted: {posting.row_count:,}.{left_out} Nothing"
                    " is posted until somebody else approves it.",
                )
                return HttpResponseRedirect(posting.get_absolute_url())
        return self.show(form, status=422)

    def show(self, form, status=200):
        limit = limit_of(self.request.user)
        context = {
            "form": form,
            "page_title": "Check a file of postings",
            "crumbs": self.crumbs(),
            "cancel_url": self.url("list"),
            "limit": limit.per_posting if limit else 0,
            "example": csv_text(EXAMPLE),
        }
        return self.render(context, status=status)


class BulkPostingExample(generic.ModelPage):
    """The headings, to fill in."""

    model = BulkPosting
    action = "view"

    def get(self, request):
        answer = HttpResponse(csv_text(EXAMPLE[:1]), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="bulk-posting.csv"'
        return answer


def csv_text(rows):
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


class BulkPostingDetail(generic.DetailView):
    """The file with its rows; while it is being posted, htmx asks for the state of the job alone."""

    model = BulkPosting
    queryset = BulkPosting.objects.select_related("job__owner")
    has_inline = False
    fields = [
        ("File", ["kind", "reason", "requested_by_name", "requested_at", "expires_at", "sha256", "id"]),
        ("Decision", ["status", "decided_by_name", "decided_at", "comment"]),
    ]

    def get(self, request, pk):
        if request.htmx and not request.htmx.history_restore_request:
            answer = self.render(self.job_context(), template="billing/bulkposting_state.html")
            if self.object.job is None or not self.object.job.is_open:
                answer["HX-Refresh"] = "true"  # the rows below have their outcomes now
            return answer
        try:
            return super().get(request, pk)
        except (keyset.BadCursor, DataError):
            messages.warning(request, "That place in the file does not exist; this is its beginning.")
            return HttpResponseRedirect(request.path)

    def show_status(self, posting):
        return "Status", posting.get_status_display() if posting.state == posting.status else "Expired"

    def actions(self):
        user, own = self.request.user, self.object.requested_by == self.request.user.pk
        if own:
            return [("billing:bulkposting_withdraw", BulkPostingWithdraw)]
        if user.has_perm(DECIDE):
            return [
                ("billing:bulkposting_approve", BulkPostingApprove),
                ("billing:bulkposting_decline", BulkPostingDecline),
            ]
        return []

    @cached_property
    def repeated(self):
        """How many rows of a file that waits were posted from another one already."""
        return postings.said_before(self.object).count() if self.object.is_open else 0

    def warnings(self):
        posting = self.object
        if self.repeated:
            yield format_html(
                'Posted from another file, with the same amount and reason: <a href="?rows={}">{} of its rows</a>.',
                REPEATED,
                f"{self.repeated:,}",
            )
        if posting.state == posting.Status.EXPIRED:
            yield "Nobody decided about it in time. The same file can be checked again."
        elif posting.is_open and posting.row_count == 0:
            yield "No row of this file can be posted. Put it right and check it again."
        elif posting.is_open and posting.requested_by == self.request.user.pk:
            yield "Nothing is posted yet: somebody else has to approve it."

    def job_context(self):
        posting, user = self.object, self.request.user
        if posting.status != posting.Status.APPROVED:
            return {"object": posting}
        job = posting.job
        return {
            "object": posting,
            "job": job,
            "counts": postings.counts(posting),
            "may_run": user.has_perm(DECIDE),
            "job_url": job.get_absolute_url() if job and sees_job(user, job) else "",
        }

    def extra_context(self):
        query = Query(self.request.GET).without(*PLACES)
        wanted = self.request.GET.get("rows", "")
        rows = self.object.rows
        if wanted == REPEATED:
            rows = postings.said_before(self.object)
        elif wanted in STATES:
            rows = rows.filter(STATES[wanted][1])
        page = keyset.read_page(
            rows.select_related("organization"),
            F("number"),
            descending=False,
            size=generic.PAGE_SIZE,
            params=self.request.GET,
        )
        if self.object.is_open:
            for row in page.rows:
                row.after = balance_after(row)
        places = {
            side: str(query.with_(**dict([token.split("=", 1)]))) if token else ""
            for side, token in (("previous_url", page.previous), ("next_url", page.next))
        }
        return {
            "rows": page.rows,
            **places,
            "parts": list(self.parts(query.without("rows"), wanted)),
            "wanted": STATES[wanted][0] if wanted in STATES else "",
            "all_url": str(query.without("rows")),
            **self.job_context(),
        }

    def parts(self, query, wanted):
        """{label, count, amount, url, current} of each state that rows of the file are in; all of them first."""
        counted = {
            f"n{at}": Count("pk", filter=condition) for at, (_, condition) in enumerate(STATES.values())
        }
        summed = {
            f"s{at}": Sum("amount", filter=condition) for at, (_, condition) in enumerate(STATES.values())
        }
        found = self.object.rows.aggregate(all_rows=Count("pk"), all_sum=Sum("amount"), **counted, **summed)
        yield {
            "label": "All rows",
            "count": found["all_rows"],
            "amount": found["all_sum"],
            "url": str(query),
            "current": wanted not in (*STATES, REPEATED),
        }
        for at, (name, (label, _)) in enumerate(STATES.items()):
            if found[f"n{at}"]:
                yield {
                    "label": label,
                    "count": found[f"n{at}"],
                    "amount": found[f"s{at}"],
                    "url": str(query.with_(rows=name)),
                    "current": name == wanted,
                }


def sees_job(user, job):
    return user.is_superuser or job.owner_id == user.pk


def balance_after(row):
    """What the balance of a row that can be posted would become; None for the others."""
    if row.problem or row.organization is None:
        return None
    return balance_of(row.organization) + row.amount


class BulkPostingDecision(generic.ActionView):
    model = BulkPosting
    action = "decide"
    permission = DECIDE
    form_class = CommentForm

    def deed(self):
        return "decide about files of postings"

    @classmethod
    def applies_to(cls, obj):
        return obj.is_open


class BulkPostingApprove(BulkPostingDecision):
    service = staticmethod(postings.approve_bulk_posting)
    label = "Approve"
    icon = "check"
    success = "{object} was approved and is being posted."

    @classmethod
    def applies_to(cls, obj):
        return obj.is_open and obj.row_count > 0

    def context(self):
        posting = self.object
        left_out = f" Left out: {posting.left_out:,}." if posting.left_out else ""
        return {
            "explanation": f"Rows to post, with you as the actor: {posting.row_count:,}, {posting.amount:+,} in all."
            f"{left_out} A job does it row by row; what the ledger refuses is told in the results."
        }


class BulkPostingDecline(BulkPostingDecision):
    service = staticmethod(postings.decline_bulk_posting)
    label = "Decline"
    icon = "x"
    success = "{object} was declined; nothing was posted."
    explanation = "Nothing is posted. The same file may be checked again."


class BulkPostingWithdraw(BulkPostingDecision):
    action = "prepare"
    permission = PREPARE
    service = staticmethod(postings.withdraw_bulk_posting)
    label = "Withdraw"
    icon = "undo-2"
    success = "{object} was withdrawn; nothing was posted."
    explanation = "Nobody can approve it any more. The same file may be checked again."

    def deed(self):
        return "withdraw files of postings"


class BulkPostingRun(generic.ObjectPage):
    """Stop or resume the job of an approved file: by whoever decides about files, not only by who approved this one."""

    http_method_names = ["post"]
    model = BulkPosting
    queryset = BulkPosting.objects.select_related("job")
    page = action = "decide"
    permission = DECIDE
    act = None
    said = ""

    def deed(self):
        return "stop or resume bulk postings"

    def post(self, request, pk):
        try:
            type(self).act(self.object)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.info(request, self.said)
        return HttpResponseRedirect(self.object.get_absolute_url())


class BulkPostingStop(BulkPostingRun):
    asks_fresh = False  # stopping is not to wait
    act = staticmethod(postings.stop)
    said = "It is being stopped. What was posted stays posted; the rest waits."


class BulkPostingResume(BulkPostingRun):
    act = staticmethod(postings.resume)
    said = "It goes on with the rows that are left."


class BulkPostingResults(generic.ObjectPage):
    """Every row and what became of it, as CSV; before the approval, what was found when it was checked."""

    model = BulkPosting
    page = "results"
    action = "view"

    HEADINGS = (
        "line", "given", "organization_id", "organization", "given_amount", "amount", "reason", "reference", "outcome",
        "message", "posting", "time",
    )  # fmt: skip

    @cached_property
    def rows(self):
        return self.object.rows.order_by("number").values_list(
            "number", "given", "organization_id", "organization_name", "given_amount", "amount", "reason", "reference",
            "outcome", "problem", "message", "transaction_id", "done_at",
        )  # fmt: skip

    def get(self, request, pk):
        services.log_read(
            "export", self.object, actor=request.user, detail=f"Rows of the bulk posting {self.object}"
        )
        writer = csv.writer(Line())
        lines = (writer.writerow(result_cells(row)) for row in self.rows.iterator(chunk_size=1000))
        answer = StreamingHttpResponse(
            streaming(writer.writerow(self.HEADINGS), lines), content_type="text/csv; charset=utf-8"
        )
        answer["Content-Disposition"] = f'attachment; filename="bulk-posting-{str(pk)[:8]}-results.csv"'
        return answer


def result_cells(row):
    *given, outcome, problem, message, transaction, done_at = row
    outcome = f"left out: {problem}" if problem else outcome or "not posted"
    cells = [*given, outcome, message, transaction, done_at.isoformat() if done_at else None]
    return [guarded("" if cell is None else str(cell)) for cell in cells]
