"""The lists of changes and readings, and the page of an entry of each."""

from django.db.models import F, Func, TextField
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import capfirst

from backoffice import generic, retention
from backoffice.audit import entry_history_url
from backoffice.audit_filters import AuditEventFilter, ReadLogFilter
from backoffice.audit_links import changes_links, link_people, person_of, readings_links, record_of
from backoffice.audit_reading import LOOKED_AT
from backoffice.audit_values import BeforeAndAfter, briefs, changes_of, origin
from backoffice.brief_html import brief_html
from backoffice.display import redact_text
from backoffice.models import AuditEvent, ReadLog
from backoffice.record_history import record_for
from backoffice.reverts import can_revert
from backoffice.tables import Column, Table
from backoffice.texts import short

CUT = (
    f"There are many, so only the newest {LOOKED_AT:,} entries that meet one of these filters were looked at for the"
    " others. Choose a period to look at older ones; an export looks at all."
)
# Counting stops here: it would read more rows than a page does.
COUNTED = 500


class FieldNames(Func):
    """The names of the fields that an audit event is about, as one text."""

    template = "array_to_string(audit.field_names(old, new), ', ')"
    output_field = TextField()


class AuditEventTable(Table):
    at = Column("Time", order="time")
    actor = Column("By")
    action = Column("What")
    row_label = Column("Record")
    changes = Column("Before and after", accessor="changes", export=BeforeAndAfter())
    reason = Column()
    fields = Column("Fields", accessor="changes", export=FieldNames(), shown=False)
    organization = Column("Organization", shown=False, needs=["organization__name"])

    class Meta(Table.Meta):
        model = AuditEvent
        fields = []
        rows = "backoffice/auditevent_rows.html"


class LogList(generic.ListView):
    """What the lists of both logs share."""

    orders = {"time": generic.Order(F("at"), by_time=True)}
    count_limit = COUNTED
    template_name = "backoffice/log_list.html"
    log = ""
    one = ""  # what an entry is called on pages

    def shortcuts(self):
        return []

    def extra_context(self):
        return {
            "shortcuts": self.shortcuts(),
            "standing": retention.standing(self.log),
            "results_note": CUT if self.filterset.is_cut else "",
            "model_name": self.one,
            "model_name_plural": f"{self.one}s",
        }


class AuditEventList(LogList):
    model = AuditEvent
    queryset = AuditEvent.objects.defer("old", "new")
    title = "Changes"
    table_class = AuditEventTable
    filterset_class = AuditEventFilter
    log = "event"
    one = "change"

    def shortcuts(self):
        return changes_links()

    def row_context(self, rows):
        found = briefs(rows)
        link_people(rows, self.request.user)
        for row in rows:
            row.short, row.more = found[row.pk]
            row.brief = brief_html(row.action, row.short, row.more)
            row.origin = origin(row)
            row.short_record = short(redact_text(row.record), 120)
        return {}


class AuditEventDetail(generic.DetailView):
    model = AuditEvent
    has_history = False
    fields = [
        "at", "actor", "source", "db_role", "jwt_sub", "reason", "request_id",
        "table_name", "row_label", "row_id", "organization", "action",
    ]  # fmt: skip

    def show_actor(self, event):
        return "By", person_of(event, self.request.user)

    def show_source(self, event):
        return "From", origin(event)

    def show_row_label(self, event):
        return "Record", record_of(event, self.request.user)

    def crumbs(self):
        """For those who see the changes of this record alone: the way to these."""
        if self.sees_all():
            return [(AuditEventList.title, self.url("list"))]
        return [("History", entry_history_url(self.object))]

    def sees_all(self):
        return super().may_open(self.request.user)

    def may_open(self, user):
        """Those who see all changes; of a record, those who see the record."""
        return super().may_open(user) or self.of_record(user)

    def of_record(self, user):
        kwargs = getattr(self, "kwargs", None)
        event = AuditEvent.objects.filter(pk=kwargs["pk"]).first() if kwargs else None
        return event is not None and record_for(user, event.table_name, event.row_id) is not None

    def extra_context(self):
        changes, more = changes_of(self.object)
        return {"page_title": capfirst(str(self.object)), "changes": changes, "more_fields": more}

    def get_actions(self):
        event = self.object
        if can_revert(event, self.request.user):
            yield {
                "label": "Undo",
                "icon": "undo-2",
                "url": reverse("backoffice:auditevent_revert", args=[event.pk]),
            }
        if (
            event.request_id
            and AuditEvent.objects.filter(request_id=event.request_id).exclude(pk=event.pk).exists()
        ):
            yield {
                "label": "All of this batch",
                "icon": "layers",
                "url": reverse("backoffice:batch_revert", args=[event.request_id]),
            }
            if self.sees_all():
                query = urlencode({"batch": event.request_id})
                url = f"{reverse('backoffice:auditevent_list')}?{query}"
                yield {"label": "Its entries", "icon": "list", "url": url}


class ReadLogTable(Table):
    at = Column("Time", order="time")
    actor = Column("By")
    kind = Column("What")
    row_label = Column("Record")
    reason = Column()
    organization = Column("Organization", needs=["organization__name"])

    class Meta(Table.Meta):
        model = ReadLog
        fields = []
        rows = "backoffice/readlog_rows.html"


class ReadLogList(LogList):
    model = ReadLog
    title = "Readings"
    table_class = ReadLogTable
    filterset_class = ReadLogFilter
    log = "read_log"
    one = "reading"

    def shortcuts(self):
        return readings_links()

    def row_context(self, rows):
        link_people(rows, self.request.user)
        for row in rows:
            row.short_record = short(redact_text(row.record), 160)
        return {}


class ReadLogDetail(generic.DetailView):
    model = ReadLog
    has_history = False
    fields = [
        "at", "actor", "kind", "table_name", "row_label", "row_id", "organization", "detail", "reason",
        "request_id", "db_role",
    ]  # fmt: skip

    def crumbs(self):
        return [(ReadLogList.title, self.url("list"))]

    def extra_context(self):
        return {"page_title": capfirst(str(self.object))}

    def show_actor(self, entry):
        return "By", person_of(entry, self.request.user)

    def show_row_label(self, entry):
        return "Record", record_of(entry, self.request.user)
