"""Data health: the lists of all findings, and of the rows that rules found."""

import django_filters
from django.db.models import F
from django.urls import reverse

from backoffice import generic
from backoffice.filters import FilterSet
from backoffice.health.findings import LEVELS, SECTIONS
from backoffice.health.rules import all_rules
from backoffice.models import HealthFinding, HealthRow
from backoffice.tables import Column, Table
from backoffice.views.health import NOTHING_YET


class HealthFindingTable(Table):
    text = Column("Finding", order="worst")
    section = Column("Section")
    level = Column("Verdict")
    count = Column("Rows", numeric=True)
    remedy = Column("What to do")
    first_seen_at = Column("First seen")

    class Meta(Table.Meta):
        model = HealthFinding
        fields = []
        rows = "backoffice/healthfinding_rows.html"


class HealthFindingFilter(FilterSet):
    search_fields = ["text", "subject", "rule"]
    section = django_filters.ChoiceFilter(
        choices=[(name, section.label) for name, section in SECTIONS.items()],
        label="Section",
        empty_label="Any",
    )
    level = django_filters.ChoiceFilter(choices=list(LEVELS.items()), label="Verdict", empty_label="Any")

    class Meta:
        model = HealthFinding
        fields = []


class HealthFindingList(generic.ListView):
    """Every finding of every section in one list, for filters and files."""

    model = HealthFinding
    title = "All findings"
    table_class = HealthFindingTable
    filterset_class = HealthFindingFilter
    orders = {"worst": generic.Order(F("position"), rises_first=True)}
    not_exported = ("position", "url", "is_more")
    nothing_yet = NOTHING_YET

    def deed(self):
        return "see the data's health"

    def crumbs(self):
        return [("Data health", reverse("health"))]

    def extra_context(self):
        return {"crumbs": self.crumbs()}


class HealthFindingDetail(generic.DetailView):
    model = HealthFinding
    has_history = False
    fields = [
        ("Finding", ["text", "section", "level", "count", "remedy"]),
        ("Found", ["rule", "subject", "first_seen_at", "checked_at", "id"]),
    ]

    def deed(self):
        return "see the data's health"

    def crumbs(self):
        section = self.object.section
        return [
            ("Data health", reverse("health")),
            (self.object.get_section_display(), reverse("health_section", args=[section])),
        ]


class HealthRowTable(Table):
    row_id = Column("Row", order="id")
    record = Column("Kind")
    organization = Column("Tenant", needs=["organization__name"])
    detail = Column("What")
    rule = Column("Rule", shown=False)

    class Meta(Table.Meta):
        model = HealthRow
        fields = []
        rows = "backoffice/healthrow_rows.html"


def may_see(user, model):
    return user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")


def rule_choices():
    return [(rule.name, rule.label) for rule in all_rules().values()]


class HealthRowFilter(FilterSet):
    rule = django_filters.ChoiceFilter(choices=rule_choices, label="Rule", empty_label="Any")

    class Meta:
        model = HealthRow
        fields = ["organization"]


class HealthRowList(generic.ListView):
    """The rows that a rule found when it last looked; above them what the rule is."""

    model = HealthRow
    permission = "backoffice.view_healthfinding"
    template_name = "backoffice/healthrow_list.html"
    title = "Rows found by rules"
    table_class = HealthRowTable
    filterset_class = HealthRowFilter
    orders = {"id": generic.Order(F("id"), rises_first=True)}
    nothing_yet = "No rule has found a row."

    def deed(self):
        return "see the data's health"

    def crumbs(self):
        crumbs = [("Data health", reverse("health"))]
        if rule := self.rule:
            crumbs.append((SECTIONS[rule.section].label, reverse("health_section", args=[rule.section])))
        return crumbs

    @property
    def rule(self):
        return all_rules().get(self.request.GET.get("rule", ""))

    def page_title(self):
        return self.rule.label if self.rule else self.title

    def row_context(self, rows):
        """{(kind, id): the row itself}, one query per kind; of those that the reader may see and that still exist."""
        found = {}
        for record in {row.record for row in rows}:
            model = next(row.row_model for row in rows if row.record == record)
            if model is None or not may_see(self.request.user, model):
                continue
            ids = [row.row_id for row in rows if row.record == record]
            found |= {obj.pk: obj for obj in model._default_manager.filter(pk__in=ids)}
        return found

    def extra_context(self):
        rule = self.rule
        finding = HealthFinding.objects.filter(rule=rule.name).first() if rule else None
        return {
            "rule": rule,
            "finding": finding,
            "crumbs": self.crumbs(),
            "is_sample": bool(rule and finding and finding.count > rule.kept),
        }
