"""Changing settings of many agents: the form, the dry run, the confirmation, what became of each."""

import csv

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import F
from django.http import HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property

from agents.models import Agent, SettingChange, SettingChangeRow
from agents.questions.changing import CHANGE, confirm_change, prepare_change
from agents.questions.conditions import LABELS
from agents.questions.deeds import CHANGEABLE
from agents.questions.filters import WHERE
from agents.questions.forms import MOST, ChangeForm, ConfirmForm, SettingsForm
from agents.questions.sql import HOST
from agents.questions.tables import SettingChangeFilter, SettingChangeTable
from backoffice import generic, keyset, services
from backoffice.display import differences
from backoffice.filters import Query
from backoffice.generic.lists import open_list
from backoffice.generic.memory import PLACES, list_url
from backoffice.models import BulkRun
from backoffice.spreadsheets import guarded
from backoffice.views.bulk import Line, streaming
from backoffice.views.jobs import visible_jobs

State, Outcome = SettingChangeRow.State, SettingChangeRow.Outcome
CHANGES_PAGE = "agents:settingchange_add"


class ChangeSettings(generic.ActionView):
    """The action of the list of a question; its rows go to the form of a change, which shows a dry run first."""

    model = Agent
    label = "Change settings"
    icon = "sliders-horizontal"
    bulk_page = CHANGES_PAGE


class SettingChangeList(generic.ListView):
    model = SettingChange
    title = "Settings changes"
    queryset = SettingChange.objects.select_related("job").defer("row_ids", "deeds")
    table_class = SettingChangeTable
    filterset_class = SettingChangeFilter
    orders = {"created": generic.Order(F("created_at"), by_time=True)}
    nothing_yet = "Check agents in “Settings across agents” and choose “Change settings”."


class SettingChangeCreate(generic.ModelPage):
    """?run= is the BulkRun whose rows are meant, ?setting= the settings to change. A POST works out the dry run."""

    model = SettingChange
    page = "add"
    action = "prepare"
    permission = CHANGE
    template_name = "agents/settingchange_add.html"

    def deed(self):
        return "change settings of agents"

    @cached_property
    def run(self):
        try:
            return get_object_or_404(BulkRun, pk=self.request.GET.get("run", ""), owner=self.request.user)
        except ValidationError:
            return get_object_or_404(BulkRun, pk=None)

    @cached_property
    def settings(self):
        """Those of the address; without any, those that were asked about."""
        given = self.request.GET
        named = [*given.getlist("setting"), *(given.get(f"setting{n}", "") for n in range(MOST))]
        if not any(named):
            asked = open_list(self.run.list_name, self.request.user, self.run.query).request.GET
            named = [asked.get(f"{part}_setting", "") for part in WHERE] + [asked.get("values", "")]
            named = ["webhook_url" if name == HOST else name for name in named]
        return [name for name in dict.fromkeys(named) if name in CHANGEABLE][:MOST]

    def get(self, request):
        return self.show(ChangeForm(self.settings))

    def post(self, request):
        form = ChangeForm(self.settings, request.POST)
        if not form.is_valid():
            return self.show(form, status=422)
        change = prepare_change(self.run, form.deeds, actor=request.user)
        return HttpResponseRedirect(change.get_absolute_url())

    def show(self, form, status=200):
        back = list_url(self.run.list_name, self.run.query)
        context = {
            "page_title": "Change settings",
            "crumbs": [("Settings across agents", back)],
            "form": form,
            "settings_form": SettingsForm(self.settings),
            "run": self.run,
            "cancel_url": back,
        }
        return self.render(context, status=status)


class SettingChangeDetail(generic.DetailView):
    """The dry run with its rows and the confirmation; afterwards what became of each."""

    model = SettingChange
    queryset = SettingChange.objects.select_related("job", "check_job")
    has_inline = False
    fields = ["name", "row_count", "owner_name", "created_at", "checked_at", "confirmed_at", "reason", "id"]

    def get(self, request, pk):
        if request.htmx and not request.htmx.history_restore_request:
            answer = self.render(self.job_context(), template="agents/settingchange_state.html")
            if not self.is_working:
                answer["HX-Refresh"] = "true"  # the rows below are there now
            return answer
        try:
            return super().get(request, pk)
        except (keyset.BadCursor, DataError):
            messages.warning(request, "That place does not exist; this is its beginning.")
            return HttpResponseRedirect(request.path)

    def post(self, request, pk):
        """Confirms it."""
        ConfirmPage().require(request.user)
        self.form = ConfirmForm(request.POST, number=self.states[State.READY])
        if self.object.job is None and self.states[State.READY] and not self.form.is_valid():
            answer = super().get(request, pk)
            answer.status_code = 422
            return answer
        try:
            confirm_change(self.object, actor=request.user, reason=self.form.data.get("reason", ""))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return HttpResponseRedirect(self.object.get_absolute_url())

    @property
    def working_job(self):
        change = self.object
        return change.job if change.confirmed_at else change.check_job if not change.checked_at else None

    @property
    def is_working(self):
        return self.working_job is not None and self.working_job.is_open

    def job_context(self):
        change, user = self.object, self.request.user
        job = self.working_job
        return {
            "object": change,
            "job": job,
            "job_url": job.get_absolute_url() if job and may_see(user, job) else "",
            "states": self.states,
            "outcomes": change.outcomes() if change.confirmed_at else None,
            "revert_url": self.revert_url(),
        }

    @cached_property
    def states(self):
        return self.object.states()

    def revert_url(self):
        change = self.object
        if not change.job_id or self.is_working or not self.request.user.has_perm(CHANGE):
            return ""
        return (
            reverse("backoffice:batch_revert", args=[change.job_id]) if change.outcomes()["changed"] else ""
        )

    def warnings(self):
        change = self.object
        if change.checked_at and not change.confirmed_at and change.owner_id != self.request.user.pk:
            yield f"Nothing is changed yet. It is confirmed by whoever asked for it: {change.owner_name}."
        if change.confirmed_at and change.job is None:
            yield "Its job is not on record any more."

    def extra_context(self):
        change, user = self.object, self.request.user
        query = Query(self.request.GET).without(*PLACES)
        wanted = self.request.GET.get("rows", "")
        page = keyset.read_page(
            change.rows.filter(**parts_of(change).get(wanted, {})).select_related("agent"),
            F("number"),
            descending=False,
            size=generic.PAGE_SIZE // 2,
            params=self.request.GET,
        )
        for row in page.rows:
            row.lines = [line_of(one) for one in row.fields]
        may_confirm = user.has_perm(CHANGE) and change.owner_id == user.pk
        is_open = change.checked_at and not change.confirmed_at and self.states[State.READY]
        form = getattr(self, "form", None) or ConfirmForm(number=self.states[State.READY])
        return {
            **self.job_context(),
            "rows": page.rows,
            **{
                side: str(query.with_(**dict([token.split("=", 1)]))) if token else ""
                for side, token in (("previous_url", page.previous), ("next_url", page.next))
            },
            "parts": list(self.parts(query.without("rows"), wanted)),
            "all_url": str(query.without("rows")),
            "form": form if may_confirm and is_open else None,
            "back_url": list_url("agents:question_list", change.list_query),
            "csv_url": reverse("agents:settingchange_rows", args=[change.pk]),
        }

    def parts(self, query, wanted):
        """{label, count, url, current} of what the rows are told apart by; all of them first."""
        change = self.object
        found = {name: self.states[name] for name in State.values}
        if change.confirmed_at:
            outcomes = change.outcomes()
            found |= {f"was-{name}": outcomes[name] for name in Outcome.values} | {"waiting": outcomes[None]}
        yield {"label": "All", "count": sum(self.states.values()), "url": str(query), "current": not wanted}
        for name, count in found.items():
            if count and not (change.confirmed_at and name == State.READY):
                url = str(query.with_(rows=name))
                yield {"label": PARTS[name], "count": count, "url": url, "current": name == wanted}


PARTS = {
    **dict(State.choices),
    **{f"was-{value}": label for value, label in Outcome.choices},
    "was-blocked": "Blocked when it was done",
    "waiting": "Not done",
}


def parts_of(change):
    """{name in the address: what its rows are filtered by}."""
    return {
        **{name: {"state": name} for name in State.values},
        **{f"was-{name}": {"outcome": name} for name in Outcome.values},
        "waiting": {"state": State.READY, "outcome": None},
    }


def line_of(field):
    """One setting of a row, with the difference of long texts marked."""
    before, after = field["before"], field["after"]
    return {
        "label": LABELS.get(field["setting"], field["setting"]),
        "before": before,
        "after": after,
        "compared": differences(before, after)
        if before and after and max(len(before), len(after)) > 60
        else "",
        "places": ", ".join(field["places"]),
    }


def may_see(user, job):
    return user.has_perm("backoffice.view_job") and visible_jobs(user).filter(pk=job.pk).exists()


class ConfirmPage(generic.ModelPage):
    """Who may confirm a change."""

    model = SettingChange
    action = "prepare"
    permission = CHANGE

    def deed(self):
        return "change settings of agents"


class SettingChangeRows(generic.ObjectPage):
    """Every row of the dry run, and what became of it, as CSV."""

    model = SettingChange
    page = "rows"
    action = "view"

    HEADINGS = (
        "agent_id", "agent", "organization_id", "organization", "dry_run", "why", "setting", "before", "after",
        "written", "outcome", "message",
    )  # fmt: skip

    def get(self, request, pk):
        services.log_read("export", self.object, actor=request.user, detail=f"Rows of {self.object}")
        writer = csv.writer(Line())
        rows = self.object.rows.order_by("number").iterator(chunk_size=200)
        lines = (writer.writerow(cells) for row in rows for cells in cells_of(row))
        answer = StreamingHttpResponse(
            streaming(writer.writerow(self.HEADINGS), lines), content_type="text/csv; charset=utf-8"
        )
        answer["Content-Disposition"] = f'attachment; filename="settings-change-{str(pk)[:8]}.csv"'
        return answer


def cells_of(row):
    """A line for each setting of a row; one for a row without any."""
    for field in row.fields or [{}]:
        cells = [
            row.agent_id, row.agent_name, row.organization_id, row.organization_name, row.state, row.problem,
            field.get("setting"), field.get("before"), field.get("after"), "; ".join(field.get("places", [])),
            row.outcome, row.message,
        ]  # fmt: skip
        yield [guarded("" if cell is None else str(cell)) for cell in cells]
