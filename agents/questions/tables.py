"""The table of a question: a column for every setting, of which those that are asked about are shown."""

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce, Left
from django.utils.html import format_html

from agents.effective import BUILDER_PATHS, NUMBERS
from agents.models import Agent, SettingChange
from agents.questions import sql
from agents.questions.conditions import ASKED, LABELS, is_yes_no
from agents.questions.sql import HOST
from backoffice.filters import FilterSet
from backoffice.tables import Column, Table
from backoffice.templatetags import ui
from telephony.models import PhoneNumber

SHOWN = 200  # characters of a value in the list


def number_count():
    """How many telephone numbers the agent answers."""
    found = PhoneNumber.objects.filter(agent=OuterRef("pk"), status=PhoneNumber.Status.ACTIVE)
    counted = found.order_by().values("agent").annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counted), 0)


class SettingColumn(Column):
    """A setting in effect, where it comes from, and what its column holds where a copy differs."""

    def __init__(self, setting, *, shown=False):
        super().__init__(
            LABELS[setting], shown=shown, accessor=f"asked_{setting}", export=sql.asked_text(setting)
        )
        self.setting = setting
        self.is_text = setting not in NUMBERS and not is_yes_no(setting)

    def annotations(self):
        stored = "webhook_url" if self.setting == HOST else self.setting
        found = {
            f"asked_{self.setting}": Left(sql.asked_text(self.setting), SHOWN),
            f"source_{self.setting}": sql.source_of(stored),
        }
        if self.setting != HOST:
            found[f"drifts_{self.setting}"] = sql.drifts(self.setting)
            found[f"column_{self.setting}"] = Left(sql.column_text(self.setting), SHOWN)
        return found

    def cell(self, row):
        shown = self.in_effect(row)
        source = getattr(row, f"source_{self.setting}")
        words = "column" if source == "column" else f"configuration, {self.key(source)}"
        if getattr(row, f"drifts_{self.setting}", False):
            column = ui.missing(getattr(row, f"column_{self.setting}"))
            words = format_html("{}; copies differ, the column: <bdi>{}</bdi>", words, column)
        return format_html('<div>{}<span class="under">{}</span></div>', shown, words)

    def in_effect(self, row):
        value = getattr(row, f"asked_{self.setting}")
        if value is None:
            return ui.missing(value)
        value = {"true": "Yes", "false": "No"}.get(value, value) if is_yes_no(self.setting) else value
        return format_html("<bdi>{}</bdi>", value) if self.is_text else format_html("{}", value)

    def key(self, source):
        """The key in the configuration, as it is written there."""
        name = "webhook_url" if self.setting == HOST else self.setting
        return ".".join(BUILDER_PATHS[name]) if source == "builder" else name


class BriefColumn(SettingColumn):
    """A setting in effect, and whether a copy differs."""

    def annotations(self):
        found = super().annotations()
        return {name: found[name] for name in found if name.startswith(("asked_", "drifts_"))}

    def cell(self, row):
        shown = self.in_effect(row)
        if not getattr(row, f"drifts_{self.setting}", False):
            return shown
        return format_html('<div>{}<span class="under">copies differ</span></div>', shown)


def with_settings(queryset, columns):
    """A queryset of agents with what the SettingColumns among these columns show."""
    for column in columns:
        if isinstance(column, SettingColumn):
            queryset = queryset.annotate(**column.annotations())
    return queryset


class AgentColumns(Table):
    agent = Column("Agent", accessor="name", order="name")
    organization = Column("Organization")
    is_published = Column("Published")
    numbers = Column("Numbers", numeric=True, export=number_count())
    created_at = Column("Created", order="created", shown=False)

    class Meta(Table.Meta):
        model = Agent
        fields = []
        rows = "agents/question_rows.html"


# Long texts and addresses have a column only where they are asked about.
NOT_OFFERED = ("system_prompt", "voicemail_message", "webhook_url")
SETTING_COLUMNS = {name: SettingColumn(name) for name in ASKED}
QuestionTable = type(
    "QuestionTable",
    (AgentColumns,),
    {name: column for name, column in SETTING_COLUMNS.items() if name not in NOT_OFFERED},
)


class SettingChangeTable(Table):
    name = Column("Change")
    row_count = Column("Agents", numeric=True)
    state = Column("State", accessor="job", export="job__status")
    owner_name = Column("By")
    created_at = Column("Asked for", order="created")
    reason = Column("Reason")

    class Meta(Table.Meta):
        model = SettingChange
        fields = []
        rows = "agents/settingchange_rows.html"


class SettingChangeFilter(FilterSet):
    search_fields = ["name", "owner_name", "reason"]

    class Meta:
        model = SettingChange
        fields = []
