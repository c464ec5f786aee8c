"""A month in figures: usage by organization, agent, model and channel, calls by organization and number."""

import csv

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import StreamingHttpResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.http import urlencode

from backoffice import generic, months, services
from backoffice.addresses import fixed_address
from backoffice.forms import PickerField
from backoffice.months import MonthField
from backoffice.spreadsheets import guarded
from backoffice.views.bulk import Line
from billing.models import Statement, UsageLog
from billing.overview import read
from telephony.models import CallLog
from tenants.models import Organization

SHOWN = 100
NAMED_AT_ONCE = 1000
USAGE_HEAD = ["records", "tokens", "cost_usd", "without_cost"]
CALL_HEAD = ["calls", "seconds", "cost_usd", "without_cost", "zero_duration", "never_closed"]


class OverviewForm(forms.Form):
    month = MonthField(label="Month (UTC)")
    organization = PickerField(queryset=Organization.objects.all(), required=False)


class OverviewPage(generic.ModelPage):
    """What the page and its file share: which month, cut how, of whom."""

    model = UsageLog
    action = "view"

    def require(self, user):
        super().require(user)
        if self.cut.of_calls and not user.has_perm("telephony.view_calllog"):
            raise PermissionDenied(
                "Your role may not see calls; it lacks the permission telephony.view_calllog."
            )

    @cached_property
    def by(self):
        by = self.request.GET.get("by", "")
        return by if by in read.CUTS else "organization"

    @property
    def cut(self):
        return read.CUTS[self.by]

    @cached_property
    def form(self):
        given = self.request.GET.copy()
        given.setdefault("month", months.slug_of(months.current()))
        return OverviewForm(data=given)

    @cached_property
    def is_valid(self):
        return "_pick" not in self.request.GET and self.form.is_valid()

    @property
    def month(self):
        return self.form.cleaned_data["month"] if self.is_valid else months.current()

    @cached_property
    def of(self):
        """The filter of every list that is linked from here."""
        organization = self.form.cleaned_data["organization"] if self.is_valid else None
        return {"organization": organization.pk} if organization else {}

    def address(self, name="billing:overview", **changed):
        given = {"month": months.slug_of(self.month), "by": self.by, **self.of, **changed}
        return f"{fixed_address(name)}?{urlencode({key: value for key, value in given.items() if value})}"

    def rows_url(self, figures, filters, name="rows"):
        """The address of the list of just the rows that a figure counts; "" for none."""
        if not getattr(figures, name):
            return ""
        narrowed = {**self.of, **filters, **figures.flags().get(name, {})}
        return self.cut.rows_url(self.month, **narrowed)

    def line(self, figures, filters):
        """A part or the whole: its figures, and the addresses of the rows that they count."""
        names = ("rows", *figures.flags())
        return {"figures": figures, "urls": {name: self.rows_url(figures, filters, name) for name in names}}


class Overview(OverviewPage):
    page = "overview"
    replica = True

    def get(self, request):
        context = {
            "page_title": "Month overview",
            "form": self.form,
            "is_valid": self.is_valid,
            "by": self.by,
            "cut": self.cut,
            "tabs": [
                {"label": cut.label, "url": self.address(by=name), "current": name == self.by}
                for name, cut in read.CUTS.items()
            ],
        }
        status = 200
        if self.is_valid:
            context |= self.figures()
        elif "_pick" not in request.GET:
            status = 422
        return self.render(context, template="billing/overview.html", status=status)

    def figures(self):
        month = read.read(self.cut, self.month, self.of.get("organization"))
        start = self.start(len(month.parts))
        shown = month.parts[start : start + SHOWN]
        rest = [figures for _, figures in [*month.parts[:start], *month.parts[start + SHOWN :]]]
        names = self.cut.names([key for key, _ in shown if key])
        parts = [
            {"key": key, "named": names.get(key), **self.line(figures, self.cut.filters(key))}
            for key, figures in shown
        ]
        without = read.count_without_month(self.cut, self.of.get("organization"))
        following, end = months.after(self.month), start + SHOWN
        return {
            "month": self.month,
            "parts": parts,
            "whole": self.line(month.whole, {}),
            "others": read.added(rest),
            "others_count": len(rest),
            "more_url": self.address(start=end) if end < len(month.parts) else "",
            "fewer_url": self.address(start=max(start - SHOWN, 0)) if start else "",
            "first": start + 1,
            "last": start + len(shown),
            "groups": len(month.parts),
            "before_url": self.address(month=months.slug_of(months.before(self.month))),
            "before_name": months.name_of(months.before(self.month)),
            "after_url": self.address(month=months.slug_of(following)),
            "after_name": months.name_of(following),
            "csv_url": self.address("billing:overview_csv"),
            "without_month": without,
            "without_month_url": self.without_month_url(),
            "statements": Statement.objects.filter(month=self.month, **self.closed_filter()).count(),
            "statements_url": f"{reverse('billing:statement_list')}?"
            + urlencode({"month": months.slug_of(self.month), **self.of}),
        }

    def start(self, count):
        text = self.request.GET.get("start", "")
        start = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
        return start if start < count else 0

    def closed_filter(self):
        return {"organization_id": self.of["organization"]} if self.of else {}

    def without_month_url(self):
        name = "telephony:calllog_list" if self.cut.of_calls else "billing:usagelog_list"
        return f"{reverse(name)}?{urlencode({'time': 'no', **self.of})}"


class OverviewCsv(OverviewPage):
    """All groups of the month and the whole; that it was fetched is logged."""

    page = "csv"

    def get(self, request):
        if not self.is_valid:
            return self.render(
                {"page_title": "Month overview", "form": self.form},
                template="billing/overview.html",
                status=422,
            )
        model = CallLog if self.cut.of_calls else UsageLog
        services.log_read(
            "export",
            model(),
            actor=request.user,
            organization_id=self.of.get("organization"),
            detail=f"Overview of {months.name_of(self.month)}: {self.cut.label}",
        )
        month = read.read(self.cut, self.month, self.of.get("organization"))
        response = StreamingHttpResponse(self.lines(month), content_type="text/csv; charset=utf-8")
        name = f"overview-{months.slug_of(self.month)}-{self.by}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def lines(self, month):
        write = csv.writer(Line()).writerow
        yield write(
            ["month", "key", "name", "organization", *(CALL_HEAD if self.cut.of_calls else USAGE_HEAD)]
        )
        slug = months.slug_of(self.month)
        for start in range(0, len(month.parts), NAMED_AT_ONCE):
            some = month.parts[start : start + NAMED_AT_ONCE]
            names = self.cut.names([key for key, _ in some if key])
            for key, figures in some:
                named = names.get(key)
                words = [key or "not recorded", named or "", getattr(named, "organization", "")]
                values = [getattr(figures, name) for name in figures.__dataclass_fields__]
                yield write([slug, *(guarded(str(word)) for word in words), *values])
        yield write(
            [slug, "all", "", "", *(getattr(month.whole, n) for n in month.whole.__dataclass_fields__)]
        )
