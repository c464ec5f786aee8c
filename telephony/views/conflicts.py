"""What contradicts itself in numbers and trunks, by rule; brought up to date before it is shown."""

from django.utils.html import format_html

from backoffice import display, generic, keyset
from backoffice.templatetags.ui import status_pill
from telephony import conflicts
from telephony.conflicts import RULES
from telephony.conflicts.shown import with_ways
from telephony.filters import ConflictFilter
from telephony.models import Conflict
from telephony.tables import ConflictTable
from telephony.templatetags.phones import phone


class ConflictList(generic.ListView):
    model = Conflict
    table_class = ConflictTable
    filterset_class = ConflictFilter
    nothing_yet = "Numbers and trunks do not contradict each other."
    not_exported = ["place"]
    orders = {
        "grave": generic.Order(keyset.F("place"), rises_first=True),
        "tenant": generic.Order(keyset.F("organization_name"), rises_first=True),
        "found": generic.Order(keyset.F("found_at"), by_time=True),
    }

    def get(self, request):
        self.last_look = conflicts.up_to_date()
        return super().get(request)

    def row_context(self, rows):
        with_ways(rows, self.request.user)
        return {}

    def extra_context(self):
        counts = conflicts.counts(self.last_look)
        chosen = self.request.GET.get("rule", "")
        return {
            "looked_at": self.last_look,
            "chosen": RULES.get(chosen),
            "rules": [
                {"rule": rule, "count": counts[name], "url": f"?rule={name}", "is_current": name == chosen}
                for name, rule in RULES.items()
            ],
        }


class ConflictDetail(generic.DetailView):
    model = Conflict
    queryset = Conflict.objects.select_related("organization", "number")
    fields = ["rule", "tenant", "label", "text", "way", "found_at", "id"]

    def show_rule(self, conflict):
        rule = RULES.get(conflict.rule)
        if rule is None:
            return "Rule", conflict.rule
        return "Rule", format_html("{} {}", status_pill(rule.label, rule.tone), rule.text)

    def show_label(self, conflict):
        rule, words = RULES.get(conflict.rule), phone(conflict.label, "(empty)")
        url = rule and rule.subject_url(conflict, self.request.user)
        return "What", format_html('<a href="{}">{}</a>', url, words) if url else words

    def show_tenant(self, conflict):
        if conflict.organization is None:
            return "Tenant", conflict.organization_name
        return "Tenant", display.present(conflict, "organization", self.request.user)["value"]

    def show_way(self, conflict):
        (row,) = with_ways([conflict], self.request.user)
        if not row.way:
            return "To mend it", "Your role does not mend this."
        return "To mend it", format_html('<a href="{}">{}</a>', row.way[1], row.way[0])
