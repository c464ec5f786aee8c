from decimal import Decimal
from functools import lru_cache

from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.text import Truncator

from agents import forms, known
from agents.effective import SETTINGS, drifting, effective, fits, layers, number, same, unserved
from agents.extras import SHOWN as SHOWN_EXTRAS
from agents.extras import extras
from agents.filters import AgentFilter
from agents.models import Agent
from agents.questions.tables import NOT_OFFERED, with_settings
from agents.tables import AgentTable
from agents.versions.card import history_of
from agents.views.agent_compare import AgentCompareWith
from agents.views.agent_deeds import AgentClone, AgentPublish, AgentPublishAgain, AgentUnpublish
from agents.views.agent_versions import AgentHistory
from backoffice import display, generic, keyset
from backoffice.templatetags.ui import diff_value, url_or_none

# Characters from which on a text is folded, and how many of it stay in sight.
LONG, BEGINNING = 400, 160
FOLDED = '<details class="fold"><summary>{} <span class="muted">({})</span></summary>{}</details>'


class AgentList(generic.ListView):
    model = Agent
    not_exported = NOT_OFFERED
    # A name needs few of the 44 columns.
    queryset = Agent.objects.select_related("organization").only(
        "name", "organization__name", "is_published", "version", "created_at"
    )
    table_class = AgentTable
    filterset_class = AgentFilter
    orders = {"created": generic.by_time(), "name": generic.Order(keyset.F("name"), rises_first=True)}

    bulk = (AgentPublish, AgentUnpublish)

    def get_queryset(self):
        return list_rows(tuple(self.columns)).all()

    def bulk_pages(self):
        return [
            {"label": "Compare two", "icon": "git-compare-arrows", "url": reverse("agents:agent_compare")}
        ]


@lru_cache(maxsize=100)
def list_rows(columns):
    """The queryset of the list with what these columns show, to be copied and never evaluated.

    Its expressions are added once: each time anew they would be a tenth of a short list.
    """
    return with_settings(AgentList.queryset, columns)


class AgentDetail(generic.DetailView):
    """What is in effect, setting by setting; `?only=drift` leaves those of which a copy says something else."""

    model = Agent
    facts = ["organization", "is_published", "version", "created_at", "updated_at", "id"]
    fields = [
        ("Agent", facts),
        *((heading, names) for heading, _, names in known.GROUPS),
        ("JSON", ["config"]),
    ]
    queryset = Agent.objects.select_related("organization")
    related = [
        ("Conversations", "agents:conversation_list", "agent", "conversations"),
        ("Phone numbers", "telephony:phonenumber_list", "agent", "phone_numbers"),
        ("Calls", "telephony:calllog_list", "agent", "calls"),
        ("Usage", "billing:usagelog_list", "agent", "usage_logs"),
    ]

    def actions(self):
        return [
            ("agents:agent_history", AgentHistory),
            ("agents:agent_compare_with", AgentCompareWith),
            ("agents:agent_clone", AgentClone),
            ("agents:agent_publish", AgentPublish),
            ("agents:agent_publish", AgentPublishAgain),
            ("agents:agent_unpublish", AgentUnpublish),
        ]

    def events(self):
        return history_of(self.object, self.request.user)

    @cached_property
    def settings(self):
        return effective(self.object)

    @cached_property
    def in_effect(self):
        return self.object.for_editing()

    @cached_property
    def drifting(self):
        return {setting.name for setting in drifting(self.settings)}

    @cached_property
    def only_drift(self):
        return self.request.GET.get("only") == "drift"

    def groups(self):
        """Those of the settings have a note and the name of their group beside what every group has."""
        found = []
        if not self.only_drift:
            found.append({"heading": "Agent", "items": self.items(self.facts)})
        for heading, note, names in known.GROUPS:
            names = [name for name in names if not self.only_drift or name in self.drifting]
            if names:
                found.append({"heading": heading, "note": note, "items": self.items(names), "settings": True})
        if not self.only_drift:
            found.append(
                {"heading": "Configuration as stored (JSON)", "items": self.items(["config"]), "raw": True}
            )
        return found

    def item(self, name):
        """A setting as it is in effect, with where that comes from and what the other copies hold."""
        item = super().item(name)
        setting = self.settings.get(name)
        if setting is None:
            return item
        item["value"] = self.value_of(setting, item["value"])
        return item | {
            "origin": setting.origin,
            "copies": [self.copy(setting, *copy) for copy in setting.copies],
            "drifts": setting.drifts,
            "note": known.unhonoured(self.settings, name),
            "fault": next((outcome for wrong, outcome in self.unserved if wrong is setting), ""),
            "oddity": oddity(name, setting.value),
        }

    def value_of(self, setting, of_column):
        field = Agent._meta.get_field(setting.name)
        if setting.source == "column":
            value = of_column
        elif same(setting.name, getattr(self.in_effect, setting.name), setting.value):
            value = display.present(self.in_effect, setting.name, self.request.user)["value"]
        else:  # nothing that the column could hold
            value = diff_value(display.side(field, setting.value))
        if isinstance(setting.value, str) and len(setting.value) > LONG:
            start = Truncator(" ".join(display.redact_text(setting.value)[: 2 * BEGINNING].split())).chars(
                BEGINNING
            )
            size = f"{len(setting.value):,} characters"
            return format_html(FOLDED, start, size, value)
        return value

    def copy(self, setting, place, value, differs):
        field = Agent._meta.get_field(setting.name)
        shown = display.side(field, value)
        if differs and isinstance(value, str) and isinstance(setting.value, str):
            shown = display.differences(display.side(field, setting.value), shown)
        if isinstance(shown, str) and not hasattr(shown, "__html__"):
            shown = Truncator(shown).chars(LONG)
        return {"place": place, "value": shown, "differs": differs}

    @cached_property
    def unserved(self):
        return unserved(self.settings)

    def extra_context(self):
        config, pk = self.object.config, self.object.pk
        found = [] if self.only_drift else extras(config)
        may_change = self.may_edit()
        return {
            "extras": found[:SHOWN_EXTRAS],
            "more_extras": len(found) > SHOWN_EXTRAS,
            "drift_count": len(self.drifting),
            "only_drift": self.only_drift,
            "refresh_parts": ",".join(
                ["#page-title", "#warnings", "#history", *(f"#about-{n}" for n in SETTINGS)]
            ),
            "headers_url": url_or_none("agents:agent_headers", pk) if may_change else "",
            "sip_url": url_or_none("agents:agent_sip", pk) if may_change else "",
            "json_url": url_or_none("agents:agent_json", pk) if may_change else "",
        }

    def warnings(self):
        words = {
            "llm_model": "The runtime does not know the model “{}” and silently runs {}.",
            "voice_provider": "The runtime cannot speak with the provider “{}”.",
            "stt_provider": "The runtime cannot listen with the provider “{}”.",
        }
        for setting, outcome in self.unserved:
            value = Truncator(str(display.redact(setting.value))).chars(60)
            sentence = words.get(
                setting.name, f"The {setting.label} “{{}}” does not work: the runtime {outcome}."
            )
            yield sentence.format(value, Agent.DEFAULT_LLM_MODEL)
        config = self.object.config
        if config is not None and not layers(config):
            yield "The configuration (JSON) is no object, or nested too deeply to be read, so the columns count."
        if count := len(self.drifting):
            yield (
                f"{count} setting{' differs' if count == 1 else 's differ'} between the columns and the configuration"
                " (JSON), or within it. What is in effect stands first, the other copies beside it. Editing a setting"
                " here writes them all."
            )


def oddity(name, value):
    """What is unusual about a value, in a few words; "" for nothing."""
    if value in (None, ""):
        return ""
    if known.is_unknown(name, value):
        return "not a known value"
    if not fits(SETTINGS[name], value):
        return "wrong type or size"
    if name == "pii_redaction_list":
        unknown = [known.said(kind) for kind in value if kind not in list(known.PII_KINDS)]
        return f"not known: {', '.join(unknown[:3])}" if unknown else ""
    low, high, _ = known.RANGES.get(name, (None, None, None))
    if low is not None and not Decimal(low) <= number(value) <= Decimal(high):
        return f"outside {low} to {high}"
    return ""


class AgentCreate(generic.CreateView):
    model = Agent
    form_class = forms.AgentAddForm


class AgentUpdate(generic.UpdateView):
    model = Agent
    form_class = forms.AgentForm
    template_name = "agents/agent_form.html"
    after_saving = "It takes effect when the runtime reloads the agent."


class AgentDelete(generic.DeleteView):
    model = Agent
