from django.utils.html import format_html

from backoffice import generic
from backoffice.page_model import with_names
from backoffice.templatetags import ui
from backoffice.templatetags.ui import missing
from billing.filters import UsageLogFilter
from billing.models import UsageLog
from billing.settlement.prices import estimate
from billing.settlement.shown import settlements_of
from billing.tables import UsageLogTable


class UsageLogList(generic.ListView):
    model = UsageLog
    queryset = with_names(UsageLog.objects.all(), "organization", "agent")
    table_class = UsageLogTable
    filterset_class = UsageLogFilter
    orders = {"created": generic.by_time()}


class UsageLogDetail(generic.DetailView):
    model = UsageLog
    queryset = UsageLog.objects.select_related("organization", "agent", "session")
    fields = [
        ("Usage", ["tokens_used", "cost_usd", "model_used", "channel", "created_at", "id"]),
        ("Whose", ["organization", "agent", "session"]),
        ("Settlement", ["settled", "estimate"]),
    ]

    def show_settled(self, usage):
        return "Settled with", settlements_of("usage", usage)

    def show_estimate(self, usage):
        found = estimate(usage)
        if found is None:
            return "Estimated cost", missing("", "none")
        cost, price = found
        return "Estimated cost", format_html(
            '{} USD <span class="status status--info">estimated</span> at <a href="{}">{} USD per 1,000 tokens</a>',
            ui.cost(cost), price.get_absolute_url(), ui.cost(price.usd_per_1000),
        )  # fmt: skip

    def warnings(self):
        agent = self.object.agent
        if agent and agent.organization_id != self.object.organization_id:
            yield "The agent belongs to another organization than the one that pays."
        if self.object.tokens_used and not self.object.cost_usd:
            yield "No cost is recorded for these tokens."
