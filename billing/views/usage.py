from backoffice import generic
from billing.filters import UsageLogFilter
from billing.models import UsageLog
from billing.tables import UsageLogTable


class UsageLogList(generic.ListView):
    model = UsageLog
    queryset = UsageLog.objects.select_related("organization", "agent")
    table_class = UsageLogTable
    filterset_class = UsageLogFilter
    orders = {"created": generic.by_time()}


class UsageLogDetail(generic.DetailView):
    model = UsageLog
    queryset = UsageLog.objects.select_related("organization", "agent", "session")
    fields = [
        ("Usage", ["tokens_used", "cost_usd", "model_used", "channel", "created_at", "id"]),
        ("Whose", ["organization", "agent", "session"]),
    ]

    def warnings(self):
        agent = self.object.agent
        if agent and agent.organization_id != self.object.organization_id:
            yield "The agent belongs to another organization than the one that pays."
        if self.object.tokens_used and not self.object.cost_usd:
            yield "No cost is recorded for these tokens."
