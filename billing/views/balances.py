"""All balances, with how long each lasts; empty ones, those that run out, those under a threshold."""

import datetime

from django.conf import settings
from django.contrib import messages
from django.db.models import OuterRef, Subquery
from django.http import HttpResponseRedirect
from django.utils import timezone

from backoffice import generic, keyset
from backoffice.addresses import fixed_address
from backoffice.replicas.choice import reading
from billing.filters import BALANCES, BalanceFilter
from billing.models import CreditTransaction
from billing.tables import BalanceTable
from tenants import forecast
from tenants.models import Organization

COUNTED = ("gone", "negative", "empty")
COUNT_LIMIT = 1000


class BalancePage(generic.ModelPage):
    model = Organization
    permission = "billing.view_credittransaction"
    action = "view"

    def deed(self):
        return "see balances"


class BalanceList(BalancePage, generic.ListView):
    title = "Balances"
    template_name = "billing/balances.html"
    queryset = Organization.objects.select_related("forecast")
    table_class = BalanceTable
    filterset_class = BalanceFilter
    orders = {
        "days28": generic.Order(forecast.days_left_key(28), rises_first=True),
        "days7": generic.Order(forecast.days_left_key(7), rises_first=True),
        "balance": generic.Order(keyset.zero_if_null("credits_balance"), rises_first=True),
        "spent28": generic.Order(forecast.spent_key(28)),
        "spent7": generic.Order(forecast.spent_key(7)),
        "name": generic.Order(keyset.F("name"), rises_first=True),
    }

    def row_context(self, rows):
        # One look into the index per tenant, however many postings it has.
        newest = CreditTransaction.objects.filter(organization_id=OuterRef("pk")).order_by("-id").values("pk")
        shown = Organization.objects.order_by().filter(pk__in=[row.pk for row in rows])
        ids = shown.annotate(newest=Subquery(newest[:1])).values("newest")
        return {
            "last_postings": {
                row.organization_id: row
                for row in CreditTransaction.objects.filter(pk__in=ids).only("organization_id", "created_at")
            }
        }

    def extra_context(self):
        form = self.filterset.form
        chosen = "" if form.errors else form.cleaned_data.get("balance", "")
        looked_up_at, counts = self.read_counts()
        at = timezone.localtime(looked_up_at or timezone.now())
        return {
            "looked_up_at": looked_up_at,
            "tabs": list(self.tabs(chosen, counts)),
            "rule": BALANCES[chosen][1] if chosen else "",
            "since": {days: (at - datetime.timedelta(days=days)).date() for days in forecast.WINDOWS},
            "ledger_url": fixed_address("billing:credittransaction_list"),
            "refresh_url": fixed_address("billing:balances_refresh"),
            "dry_days": settings.HEALTH_DRY_DAYS,
        }

    def tabs(self, chosen, counts):
        """The lists that are asked for most, with how many tenants each has (counting stops at 1,000)."""
        here = fixed_address("billing:balance_list")
        yield {"label": "All", "url": here, "is_current": not self.filterset.is_filtered}
        for name in COUNTED:
            label, rule, _ = BALANCES[name]
            yield {
                "label": label,
                "rule": rule,
                "url": f"{here}?balance={name}",
                "count": "1,000+" if counts[name] > COUNT_LIMIT else f"{counts[name]:,}",
                "is_current": chosen == name,
            }

    def read_counts(self):
        """(when spending was looked up or None, {kind: how many tenants}) in one query."""
        parts, params = ["(select at from tenants_forecastrun)"], []
        for name in COUNTED:
            rows = Organization.objects.order_by().filter(BALANCES[name][2]).values("pk")[: COUNT_LIMIT + 1]
            sql, values = rows.query.sql_with_params()
            parts.append(f"(select count(*) from ({sql}) counted)")
            params += values
        with reading().cursor() as cursor:
            cursor.execute(f"select {', '.join(parts)}", params)
            looked_up_at, *counts = cursor.fetchone()
        return looked_up_at, dict(zip(COUNTED, counts, strict=True))


class BalancesRefresh(BalancePage):
    """Look up now what tenants spend; the worker does it every five minutes."""

    page = "refresh"
    http_method_names = ["post"]

    def post(self, request):
        run = forecast.refresh()
        if run is None:
            messages.info(request, "Spending is being looked up right now.")
        else:
            messages.success(
                request, f"Spending was looked up: {run.tenants:,} tenants spent something in 28 days."
            )
        return HttpResponseRedirect(generic.safe_next(request, fixed_address("billing:balance_list")))
