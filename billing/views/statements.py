"""Statements: the list, one for print, its files; closing a month after a look at what it will say."""

import datetime

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse
from django.utils.text import slugify

from backoffice import generic, keyset, months, services
from billing.filters import StatementFilter
from billing.forms import CloseMonthForm, MonthForm
from billing.models import SettlementDay, Statement
from billing.overview import links
from billing.statements import closing, content
from billing.tables import StatementTable

SHOWN = 20  # names of those that a closing for everybody would close


class StatementList(generic.ListView):
    model = Statement
    title = "Statements"
    queryset = Statement.objects.select_related("organization").defer("content")
    table_class = StatementTable
    filterset_class = StatementFilter
    orders = {"month": generic.Order(keyset.F("month"), by_time=True)}
    not_exported = ["content"]
    nothing_yet = "No month was closed yet. A month can be closed once it is over, by finance."

    def extra_context(self):
        may = self.request.user.has_perm(closing.PERMISSION)
        return {"close_url": reverse("billing:statement_close") if may else ""}


def sheet(statement_content, organization_id, user):
    """What templates/billing/statement_sheet.html shows: the content, each figure with the address of its rows."""
    found, month = statement_content, statement_content.month
    others = dict(
        Statement.objects.filter(organization_id=organization_id, month__in=found.months_named()).values_list(
            "month", "pk"
        )
    )
    urls = {other: reverse("billing:statement_detail", args=[pk]) for other, pk in others.items()}
    of = {"organization": organization_id}

    def usage(**filters):
        return links.usage_url(month, **of, **filters)

    parts = [
        {
            **part,
            "url": usage(model=part["model"] or links.NONE, channel=part["channel"] or links.NONE),
            "unpriced_url": usage(
                model=part["model"] or links.NONE, channel=part["channel"] or links.NONE, priced="no"
            ),
        }
        for part in found.usage["parts"]
    ]
    return {
        "content": found,
        "until": months.after(month),
        "kinds": [{**row, "url": links.ledger_url(month, **of, kind=row["kind"])} for row in found.by_kind],
        "postings": [
            {**row, "statement_url": urls.get(row["of_month"]), "month_name": of_month(row)}
            for row in found.postings
        ],
        "parts": parts,
        "changes": [
            {
                **row,
                "statement_url": urls.get(row["month"]),
                "month_name": months.name_of(row["month"]),
                "usage_url": links.usage_url(row["month"], **of),
                "calls_url": links.calls_url(row["month"], **of),
            }
            for row in found.changes
        ],
        "ledger_url": links.ledger_url(month, **of),
        "usage_url": usage(),
        "unpriced_url": usage(priced="no"),
        "calls_url": links.calls_url(month, **of),
        "zero_url": links.calls_url(month, **of, problem="zero"),
        "no_cost_url": links.calls_url(month, **of, problem="no_cost"),
    }


def of_month(row):
    return row["of_month"] and months.name_of(row["of_month"])


class StatementDetail(generic.DetailView):
    model = Statement
    queryset = Statement.objects.select_related("organization")
    template_name = "billing/statement_detail.html"

    def extra_context(self):
        statement = self.object
        siblings = Statement.objects.filter(organization_id=statement.organization_id).defer("content")
        before = siblings.filter(month=months.before(statement.month)).first()
        return {
            "sheet": sheet(content.Content(statement.content), statement.organization_id, self.request.user),
            "before": before,
            "continues": before is not None and before.closing == statement.opening,
            "after": siblings.filter(month=months.after(statement.month)).first(),
            "check": content.check(statement) if "check" in self.request.GET else None,
        }


class StatementFile(generic.ObjectPage):
    """A file of one statement; that it was fetched is logged."""

    model = Statement
    action = "view"
    extension = ""

    def get(self, request, pk):
        statement = self.object
        services.log_read(
            "export",
            statement,
            actor=request.user,
            organization_id=statement.organization_id,
            detail=f"Statement as {self.extension.upper()}",
        )
        response = self.file(statement)
        name = slugify(statement.organization_name) or str(statement.organization_id)
        filename = f"statement-{months.slug_of(statement.month)}-{name}.{self.extension}"
        response["Content-Disposition"] = f'attachment; filename="{filename}"'
        return response


class StatementCsv(StatementFile):
    page = "csv"
    extension = "csv"

    def file(self, statement):
        lines = content.csv_lines(content.Content(statement.content))
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")


class StatementContent(StatementFile):
    """The canonical text to the byte, so that its fingerprint can be verified anywhere."""

    page = "content"
    extension = "json"

    def file(self, statement):
        return HttpResponse(statement.content.encode(), content_type="application/json")


class StatementClose(generic.ModelPage):
    """Which month, of whom; a look at it; then the reason, and it is frozen."""

    model = Statement
    permission = closing.PERMISSION
    page = "close"

    def deed(self):
        return "close months"

    def get(self, request):
        if "month" not in request.GET:
            return self.show(MonthForm(initial={"month": months.before(months.current())}))
        form = MonthForm(data=request.GET)
        picking = "_pick" in request.GET
        return self.show(form, previewed=not picking and form.is_valid())

    def post(self, request):
        form = CloseMonthForm(data=request.POST)
        if form.is_valid():
            month, reason = form.cleaned_data["month"], form.cleaned_data["reason"]
            organization = form.cleaned_data["organization"]
            try:
                if organization is None:
                    job = closing.start_closing(month, actor=request.user, reason=reason)
                    return HttpResponseRedirect(job.get_absolute_url())
                made = closing.close_month(organization.pk, month, actor=request.user, reason=reason)
            except ValidationError as error:
                form.add_error(None, error)
            else:
                messages.success(
                    request,
                    f"{months.name_of(month)} of {made.organization_name} is closed: it stays as it is.",
                )
                return HttpResponseRedirect(made.get_absolute_url())
        chosen = MonthForm(data=request.POST)
        return self.show(chosen, previewed=chosen.is_valid(), form=form, status=422)

    def show(self, chosen, previewed=False, form=None, status=200):
        context = {
            "page_title": "Close a month",
            "crumbs": self.crumbs(),
            "chosen": chosen,
            "form": form,
            "cancel_url": reverse("billing:statement_list"),
        }
        if previewed:
            month, organization = chosen.cleaned_data["month"], chosen.cleaned_data["organization"]
            context |= (
                self.preview_of_one(month, organization) if organization else self.preview_of_all(month)
            )
            context |= {
                "previewed": True,
                "month": month,
                "month_name": months.name_of(month),
                "organization": organization,
                "settled_until": self.settled_until(month),
                "form": form or CloseMonthForm(initial={"month": month, "organization": organization}),
            }
        return self.render(context, status=status, template="billing/close_month.html")

    def settled_until(self, month):
        """The last settled day, where days are settled at all and the month is not settled to its end."""
        last = SettlementDay.objects.exclude(finished_at=None).order_by("-day").first()
        return last.day if last and last.day < months.after(month) - datetime.timedelta(days=1) else None

    def preview_of_one(self, month, organization):
        closed = Statement.objects.filter(organization_id=organization.pk, month=month).first()
        problem = None if closed else content.problem(organization.pk, month)
        computed = None if closed or problem else content.computed(organization.pk, month)
        return {
            "closed": closed,
            "problem": problem,
            "sheet": computed and sheet(computed, organization.pk, self.request.user),
        }

    def preview_of_all(self, month):
        try:
            closing.refuse_open_month(month)
        except ValidationError as error:
            return {"problem": " ".join(error.messages)}
        waiting = closing.to_close(month)
        return {
            "waiting": len(waiting),
            "first": waiting[:SHOWN],
            "more": len(waiting) - SHOWN,
            "behind": closing.behind(month),
            "closed_count": Statement.objects.filter(month=month).count(),
            "closed_url": f"{reverse('billing:statement_list')}?month={months.slug_of(month)}",
        }
