"""Settlements: the days, each organization's part of them, and settling what waits, with a preview first."""

import datetime

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, F, OuterRef, Subquery, Sum
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.text import capfirst

from backoffice import generic
from backoffice.filters import DateInput
from backoffice.forms import ReasonForm
from backoffice.templatetags.ui import cost
from billing.filters import SettlementDayFilter, SettlementFilter
from billing.models import SettledRow, Settlement, SettlementDay
from billing.settlement import run
from billing.settlement.days import settled_days
from billing.settlement.preview import preview
from billing.tables import SettlementDayTable, SettlementTable

LISTS = [("usage", "Usage", "billing:usagelog_list"), ("call", "Calls", "telephony:calllog_list")]
SHOWN = 200  # tenants named in a preview
COSTS = ["usage_cost", "call_cost", "estimated_cost", "late_cost"]


class SettlementDayList(generic.ListView):
    model = SettlementDay
    title = "Settlements"
    table_class = SettlementDayTable
    filterset_class = SettlementDayFilter
    # Days are settled in order, so their ids rise with them.
    orders = {"id": generic.by_id()}
    nothing_yet = "No day was settled so far."

    def extra_context(self):
        may_settle = self.request.user.has_perm(run.PERMISSION)
        return {"days": settled_days(), "settle_url": reverse("billing:settle") if may_settle else ""}


class SettlementDayDetail(generic.DetailView):
    model = SettlementDay
    fields = [
        ("Day", ["day", "started_at", "finished_at", "actor", "id"]),
        ("Terms", ["usage_rate", "call_rate", "with_estimates"]),
    ]

    def crumbs(self):
        return [("Settlements", reverse("billing:settlementday_list"))]

    def warnings(self):
        if self.object.finished_at is None:
            yield "This settlement was begun and is not finished: settling again goes on with it."

    def extra_context(self):
        day = self.object.day
        settled = self.object.finished_at is not None
        sums = {} if settled else sums_of(Settlement.objects.filter(day=day))
        return {
            "sums": self.object if settled else sums,
            "settlements_url": f"{reverse('billing:settlement_list')}?day={day}",
            "late_of": late_rows(day=day),
            "late_in": late_rows(settlement__day=day),
        }


def sums_of(settlements):
    found = settlements.aggregate(
        organizations=Count("pk"), **{name: Sum(name) for name in [*COSTS, "amount"]}
    )
    return {name: value or 0 for name, value in found.items()}


def late_rows(**of):
    """[{day, settled_on, source, row_count, cost, url, pages}] of what came late for a day, or with one.

    `url` lists these rows; `pages` are the ids of the days' pages, by day.
    """
    rows = SettledRow.objects.filter(is_late=True, **of).order_by()
    found = list(
        rows.values("day", "source", settled_on=F("settlement__day"))
        .annotate(row_count=Count("*"), cost=Sum("cost"))
        .order_by("day", "settled_on", "-source")
    )
    days = {row["day"] for row in found} | {row["settled_on"] for row in found}
    pages = dict(SettlementDay.objects.filter(day__in=days).values_list("day", "pk"))
    lists = {source: reverse(name) for source, _, name in LISTS}
    return [
        {
            **row,
            "url": f"{lists[row['source']]}?settled_on={row['settled_on']}&settled_day={row['day']}",
            "pages": pages,
        }
        for row in found
    ]


def settlements():
    """Settlements, each with `day_pk`: the id of its day's page."""
    days = SettlementDay.objects.filter(day=OuterRef("day")).values("pk")
    return Settlement.objects.select_related("organization").annotate(day_pk=Subquery(days))


class SettlementList(generic.ListView):
    model = Settlement
    title = "Settlements by organization"
    queryset = settlements()
    table_class = SettlementTable
    filterset_class = SettlementFilter
    orders = {"id": generic.by_id()}
    nothing_yet = "No day was settled so far."


def cost_shown(name):
    return lambda view, settlement: (
        capfirst(Settlement._meta.get_field(name).verbose_name),
        cost(getattr(settlement, name)),
    )


class SettlementDetail(generic.DetailView):
    model = Settlement
    queryset = settlements().select_related("transaction")
    has_history = False  # it never changes
    fields = [
        ("Settlement", ["organization_name", "organization", "day", "created_at", "id"]),
        ("Cost and credits", [*COSTS, "amount", "transaction"]),
    ]
    # Costs are shown with all their places.
    show_usage_cost, show_call_cost, show_estimated_cost, show_late_cost = (
        cost_shown(name) for name in COSTS
    )

    def crumbs(self):
        day = self.object
        url = reverse("billing:settlementday_detail", args=[day.day_pk]) if day.day_pk else ""
        return [("Settlements", reverse("billing:settlementday_list")), (f"Settlement of {day.day}", url)]

    def extra_context(self):
        rows = self.object.rows.order_by().values("source", "day", "is_estimated")
        found = rows.annotate(row_count=Count("*"), cost=Sum("cost"), tokens=Sum("tokens"))
        found = list(found.order_by("-day", "-source", "is_estimated"))
        lists = {source: f"{reverse(name)}?settlement={self.object.pk}" for source, _, name in LISTS}
        for row in found:
            row["url"] = f"{lists[row['source']]}&settled_day={row['day']}"
            row["url"] += f"&estimated={'yes' if row['is_estimated'] else 'no'}"
        sources = {row["source"] for row in found}
        days = {row["day"] for row in found} - {self.object.day}
        return {
            "parts": found,
            "lists": [
                {"label": label, "url": lists[source]} for source, label, _ in LISTS if source in sources
            ],
            "day_pages": dict(SettlementDay.objects.filter(day__in=days).values_list("day", "pk")),
        }


class SettleForm(ReasonForm):
    """`through` travels with the preview that was shown for it."""

    through = forms.DateField(widget=forms.HiddenInput)


class Settle(generic.ModelPage):
    """What settling would do, up to a day in the address, and the button that starts it."""

    model = SettlementDay
    action = "settle"
    permission = run.PERMISSION
    page = "settle"
    template_name = "billing/settle.html"

    def deed(self):
        return "settle days"

    def crumbs(self):
        return [("Settlements", reverse("billing:settlementday_list"))]

    def get(self, request):
        days = settled_days()
        through = self.asked(request.GET.get("through", "")) or days.last
        return self.show(days, through, SettleForm(initial={"through": through}))

    def post(self, request):
        form = SettleForm(request.POST)
        days = settled_days()
        if form.is_valid():
            try:
                job = run.start(
                    form.cleaned_data["through"], actor=request.user, reason=form.cleaned_data["reason"]
                )
            except ValidationError as error:
                form.add_error(None, error)
            else:
                return self.started(job)
        through = self.asked(request.POST.get("through", "")) or days.last
        return self.show(days, through, form, status=422)

    def started(self, job):
        if job.owner_id == self.request.user.pk or self.request.user.is_superuser:
            return HttpResponseRedirect(job.get_absolute_url())
        messages.info(self.request, f"A settlement is at work already, started by {job.owner}.")
        return HttpResponseRedirect(reverse("billing:settlementday_list"))

    def asked(self, text):
        try:
            return datetime.date.fromisoformat(text)
        except ValueError:
            return None

    def show(self, days, through, form, status=200):
        found = problem = None
        try:
            found = preview(days, through)
        except ValidationError as error:
            problem = " ".join(error.messages)
        context = {
            "page_title": "Settle days",
            "crumbs": self.crumbs(),
            "days": days,
            "through": through,
            "through_input": DateInput().render(
                "through", through, {"id": "id_day", "min": days.next or "", "max": days.last}
            ),
            "form": form,
            "preview": found,
            "problem": problem,
            "stopped": found.stopped[:SHOWN] if found else [],
            "stopped_count": len(found.stopped) if found else 0,
            "sinking": found.sinking[:SHOWN] if found else [],
            "sinking_count": len(found.sinking) if found else 0,
            "rates": (settings.SETTLEMENT_RATE, settings.SETTLEMENT_CALL_RATE),
        }
        return self.render(context, status=status)
