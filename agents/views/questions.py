"""A question across all tenants: which agents have a setting so, as it is in effect."""

from django.utils.functional import cached_property

from agents.effective import SERVED
from agents.models import Agent
from agents.questions.conditions import ANY, ASKED, LABELS, is_yes_no
from agents.questions.filters import WHERE, QuestionFilter
from agents.questions.overview import values_in_use
from agents.questions.tables import NOT_OFFERED, SETTING_COLUMNS, QuestionTable, number_count, with_settings
from agents.views.setting_changes import ChangeSettings
from backoffice import generic, keyset
from backoffice.filters import Query
from backoffice.generic.memory import PLACES

# What is asked most, as (label, parameters).
PRESETS = [
    ("Models", {"values": "llm_model"}),
    ("Voices", {"values": "voice_id"}),
    ("Voice providers", {"values": "voice_provider"}),
    ("Speech-to-text", {"values": "stt_provider"}),
    ("Webhook hosts", {"values": "webhook_host"}),
    ("Storage policies", {"values": "data_storage_policy"}),
    ("Redaction", {"values": "pii_redaction_enabled"}),
    ("MCP servers", {"values": "enabled_mcp_servers"}),
    ("Headers", {"values": "custom_headers"}),
    ("Cannot be served", {"where_setting": "any", "where_is": "unserved"}),
    ("Copies differ", {"where_setting": "any", "where_is": "drifts"}),
]


class QuestionList(generic.ListView):
    """The agents for which all conditions hold. Settings that are asked about have a column, whatever was chosen."""

    model = Agent
    title = "Settings across agents"
    template_name = "agents/question_list.html"
    not_exported = NOT_OFFERED
    queryset = (
        Agent.objects.select_related("organization")
        .only("name", "organization__name", "is_published", "created_at")
        .annotate(number_count=number_count())
    )
    table_class = QuestionTable
    filterset_class = QuestionFilter
    orders = {"name": generic.Order(keyset.F("name"), rises_first=True), "created": generic.by_time()}
    bulk = (ChangeSettings,)
    nothing_yet = "There are no agents yet."

    @cached_property
    def asked(self):
        """The settings that the address asks about, in their order."""
        given = self.request.GET
        named = [given.get(f"{part}_setting", "") for part in WHERE] + [given.get("values", "")]
        if any(
            given.get(f"{part}_is") == "unserved" and given.get(f"{part}_setting") == ANY for part in WHERE
        ):
            named += [name for name in ASKED if name in SERVED]
        return [name for name in dict.fromkeys(named) if name in ASKED]

    @cached_property
    def choice(self):
        found, unknown = super().choice
        names = {column.name for column in found}
        missing = [name for name in self.asked or ["llm_model"] if name not in names]
        columns = [SETTING_COLUMNS[name].bind(name, Agent) for name in missing]
        return [*found[:2], *columns, *found[2:]], [name for name in unknown if name not in missing]

    def get_queryset(self):
        return with_settings(super().get_queryset(), self.columns)

    def extra_context(self):
        query = Query(self.request.GET).without(*PLACES)
        context = {"presets": list(self.presets()), "add_url": ""}
        setting = self.filterset.form.cleaned_data.get("values") if self.filterset.form.is_valid() else ""
        if setting:
            values, others, rest = values_in_use(self.filterset.qs, setting)
            context |= {
                "above_rows": "agents/question_values.html",
                "setting": LABELS[setting],
                "values": [self.value(query, setting, value) for value in values],
                "others": others,
                "rest": rest,
            }
        return context

    def presets(self):
        chosen = self.request.GET.dict()
        keeps = {name: chosen[name] for name in ("organization", "is_published") if name in chosen}
        for label, parameters in PRESETS:
            address = Query().with_(**keeps, **parameters)
            yield {
                "label": label,
                "url": str(address),
                "current": parameters.items() <= chosen.items(),
            }

    def value(self, query, setting, value):
        """One line of the overview: its address adds the value to the question, where there is room."""
        comparison, text = value.condition
        free = next((part for part in WHERE if not self.request.GET.get(f"{part}_setting")), "")
        url = ""
        if free:
            more = {f"{free}_setting": setting, f"{free}_is": comparison, f"{free}_value": text}
            url = str(query.without("values").with_(**more))
        words = value.text
        if is_yes_no(setting):
            words = {"true": "Yes", "false": "No"}.get(words, words)
        return {"text": words, "count": value.count, "percent": round(100 * value.share, 1), "url": url}
