"""The history of an agent: every version, one of them whole, and putting it back."""

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import F
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse

from agents.conversations.settings_then import history_starts
from agents.effective import SETTINGS
from agents.models import Agent
from agents.versions import rows
from agents.versions.changes import difference, in_effect, label_of, named, replaced_by, shape_of, side
from agents.versions.restore import Moved, preview, restore_version
from agents.versions.secrets import plain
from backoffice import generic, keyset
from backoffice.audit import describe
from backoffice.display import redact
from backoffice.forms import ReasonForm
from backoffice.generic import safe_next
from backoffice.templatetags.ui import pretty_json

PAGE = 15
LINES_AT_A_GLANCE = 16
LONG = 100_000  # characters of JSON that are shown


class AgentPage(generic.ObjectPage):
    """A page about one agent, reached from its own by a button."""

    model = Agent
    queryset = Agent.objects.select_related("organization")
    label = ""
    icon = ""

    @classmethod
    def applies_to(cls, obj):
        return True

    def version_url(self, key, page="version"):
        return reverse(f"agents:agent_{page}", args=[self.object.pk, key])

    def compare_url(self, one, other=None):
        """Compares two versions of the agent; the other is what is stored now, where none is named."""
        names = [self.object.pk if key is None else f"{self.object.pk}@{key}" for key in (one, other)]
        return f"{reverse('agents:agent_compare')}?a={names[0]}&b={names[1]}"


class AgentHistory(AgentPage):
    action = "view"
    page = "history"
    label = "History"
    icon = "history"

    def get(self, request, pk):
        events = rows.events_of(self.object)
        try:
            page = keyset.read_page(events, F("id"), descending=True, size=PAGE, params=request.GET)
        except (keyset.BadCursor, DataError):
            return HttpResponseRedirect(request.path)
        now = rows.stored_row(pk)
        if now is None:
            raise Http404
        first = rows.first_event(self.object)
        context = {
            "page_title": f"History of {self.object}",
            "crumbs": self.crumbs(),
            "object": self.object,
            "entries": list(self.entries(page, now)),
            "previous_url": f"?{page.previous}" if page.previous else "",
            "next_url": f"?{page.next}" if page.next else "",
            "first": first,
            "begins_with_creation": first is not None and first.action == "insert",
            "starts_at": history_starts(self.object),
            "beginning_url": self.version_url(rows.BEGINNING),
            "compare_url": self.compare_url(None),
        }
        return self.render(context, template="agents/agent_versions.html")

    def entries(self, page, now):
        """What each version of a page changed, newest first."""
        if not page.rows:
            return
        row, _ = rows.row_after(now, self.object.pk, page.rows[0].pk)
        newest = page.rows[0].pk if page.is_first else None
        for event in page.rows:
            before = rows.row_before(row, event)
            found = difference(before, row, replaced_by(event), LINES_AT_A_GLANCE) if before else None
            yield {
                "event": event,
                "is_now": event.pk == newest,
                "difference": found,
                "url": self.version_url(event.pk),
                "restore_url": self.version_url(event.pk, "restore")
                if self.can("change") and event.pk != newest
                else "",
                # That of the newest is on the agent's page, where it puts back keys of the configuration, too.
                "undo_url": describe(event, self.request.user, self.object)["undo_url"]
                if event.pk != newest
                else "",
            }
            row = before or row


class VersionPage(AgentPage):
    def get_version(self, now):
        version = rows.version_of(self.object, self.kwargs["version"], now) if now else None
        if version is None:
            raise Http404("The agent has no such version.")
        return version

    def crumbs(self):
        return [*super().crumbs(), ("History", self.url("history", self.object))]

    def name_of(self, version):
        """After "the agent as"."""
        return "before the first change on record" if version.event is None else f"after change {version.key}"


class AgentVersion(VersionPage):
    """All settings as they were in effect after one change, what it changed, and what was changed since."""

    action = "view"
    page = "version"

    def get(self, request, pk, version):
        now = rows.stored_row(pk)
        found = self.get_version(now)
        newest = rows.newest_key(self.object)
        before = rows.row_before(found.row, found.event) if found.event else None
        replaced = {
            path for event in rows.replacing_secrets(self.object, found.key) for path in replaced_by(event)
        }
        earlier = rows.event_before(self.object, found.key)
        context = {
            "page_title": f"{self.object} {self.name_of(found)}",
            "crumbs": self.crumbs(),
            "object": self.object,
            "version": found,
            "event": found.event,
            "is_now": found.key == newest,
            "changed": difference(before, found.row, replaced_by(found.event)) if before else None,
            "since": difference(found.row, now, replaced),
            "items": list(items_of(found.row)),
            "shape": shape_of(found.row.get("config")),
            "config": json_of(found.row.get("config")),
            "earlier_url": self.version_url(earlier) if earlier is not None else "",
            "later_url": self.later_url(found, newest),
            "restore_url": self.version_url(found.key, "restore") if self.can("change") else "",
            "compare_url": self.compare_url(found.key),
        }
        return self.render(context, template="agents/agent_version.html")

    def later_url(self, found, newest):
        if found.key == newest:
            return ""
        later = rows.events_of(self.object).filter(pk__gt=found.key).order_by("id")
        key = later.values_list("pk", flat=True).first()
        return self.version_url(key) if key else ""


def items_of(row):
    """[{label, value}] of all settings in effect, in the order of the form."""
    found = in_effect(plain(row))
    for name in ("is_published", "version", *SETTINGS):
        one = Agent._meta.get_field(name)
        yield {"name": name, "label": label_of(one), "value": side(one, found[name])}


def json_of(config):
    text = "" if config is None else pretty_json(redact(config))
    return f"{text[:LONG]}\n…" if len(text) > LONG else text


class RestoreForm(ReasonForm):
    seen = forms.CharField(widget=forms.HiddenInput)


class AgentRestore(VersionPage):
    """What putting back a version would change now, and doing so.

    A POST that did not come from the page (the toast's Undo) puts back the version before the newest, or shows the
    page where there is another by now.
    """

    action = "change"
    page = "restore"

    def deed(self):
        return "restore a version of an agent"

    def read(self):
        now = rows.stored_row(self.object.pk)
        return preview(self.object, self.get_version(now), now)

    def get(self, request, pk, version):
        return self.show(self.read(), ReasonForm())

    def post(self, request, pk, version):
        is_undo = "seen" not in request.POST
        form = None if is_undo else RestoreForm(request.POST)
        if form and not form.is_valid():
            return self.show(self.read(), form, status=422)
        reason = "Undo" if is_undo else form.cleaned_data["reason"]
        seen = None if is_undo else form.cleaned_data["seen"]
        before = rows.newest_key(self.object)
        try:
            restore_version(self.object, actor=request.user, reason=reason, key=version, seen=seen)
        except Moved as moved:
            form = form or ReasonForm(initial={"reason": reason})
            return self.show(moved.preview, form, status=409, moved=True)
        except ValidationError as error:
            return self.show(self.read(), form or ReasonForm(), status=422, problems=error.messages)
        return self.done(version, before)

    def done(self, version, before):
        undo = f"undo:{self.version_url(before, 'restore')}" if before is not None else ""
        name = f"after change {version}" if version else "before the first change on record"
        messages.success(
            self.request,
            f"{self.object} is as {name}. A running backend takes it up when it reloads the agent.",
            extra_tags=undo,
        )
        return HttpResponseRedirect(safe_next(self.request, self.object.get_absolute_url()))

    def show(self, found, form, status=200, moved=False, problems=()):
        since = rows.events_of(self.object).filter(pk__gt=found.version.key)
        replaced = {
            p for event in rows.replacing_secrets(self.object, found.version.key) for p in replaced_by(event)
        }
        context = {
            "page_title": f"Restore {self.object} as {self.name_of(found.version)}",
            "crumbs": self.crumbs(),
            "object": self.object,
            "preview": found,
            "event": found.version.event,
            "difference": found.difference,
            "since": list(since[:10]),
            "replaced": sorted({named(path) for path in replaced}),
            "staying": self.staying(found),
            "form": form,
            "problems": [*problems, *found.problems],
            "moved": moved,
            "next": safe_next(self.request, ""),
            "cancel_url": self.version_url(found.version.key),
        }
        return self.render(context, status=status, template="agents/agent_restore.html")

    def staying(self, found):
        """What differs and is not put back, in words."""
        names = [("is_published", "whether it is published"), ("version", "the number of its version")]
        return [text for name, text in names if found.version.row.get(name) != found.now.get(name)]
