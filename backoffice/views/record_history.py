"""The whole history of one record, at an address made of its table's name in the audit and its id."""

from django.http import Http404
from django.urls import reverse
from django.utils.http import urlencode
from django.views import View

from backoffice import generic
from backoffice.audit_filters import FieldNameFilter, LogFilter
from backoffice.audit_models import audit_name, kind_of
from backoffice.models import AuditEvent, ReadLog
from backoffice.record_history import record_for
from backoffice.views.audit import AuditEventList, AuditEventTable

ALL = "backoffice.view_auditevent"
LOGS = {audit_name(AuditEvent), audit_name(ReadLog)}  # they grow, and nobody changes an entry


class RecordHistoryFilter(LogFilter):
    """What narrows the changes of one record."""

    search_fields = ["reason"]
    rare = ("batch",)
    record = None
    reason = None
    field = FieldNameFilter(label="Field changed")

    class Meta:
        model = AuditEvent
        fields = ["by", "action", "source"]


class RecordHistoryTable(AuditEventTable):
    row_label = organization = None

    class Meta(AuditEventTable.Meta):
        pass


class RecordHistory(AuditEventList):
    """Changes of a record, all of them, for those who see the record; where it is gone, for those who see all changes.

    Anything else is 404: whether there was such a record is not told either.
    """

    table_class = RecordHistoryTable
    filterset_class = RecordHistoryFilter
    orders = {"time": generic.by_id()}
    nothing_yet = "No change of it is on record."

    def dispatch(self, request, table, pk):
        if table in LOGS:
            raise Http404("Logs have no history.")
        self.table, self.row_id = table, pk.replace("\0", "")
        self.record = record_for(request.user, self.table, self.row_id)
        if self.record is None and not (request.user.has_perm(ALL) and self.of_record().exists()):
            raise Http404("There is no such record.")
        return View.dispatch(self, request)

    def of_record(self):
        return AuditEvent.objects.filter(table_name=self.table, row_id=self.row_id)

    def get_queryset(self):
        return super().get_queryset().filter(table_name=self.table, row_id=self.row_id)

    def page_title(self):
        return f"History of {self.name()}"

    def name(self):
        if self.record is not None:
            return str(self.record)
        newest = self.of_record().first()
        return newest.record if newest else self.row_id

    def shortcuts(self):
        if self.record is not None:
            yield {"label": "The record", "icon": "arrow-left", "url": self.record.get_absolute_url()}
        if self.request.user.has_perm(ALL):
            query = urlencode({"table_name": self.table, "record": self.row_id})
            url = f"{reverse('backoffice:auditevent_list')}?{query}"
            yield {"label": "In the list of changes, to export", "icon": "list", "url": url}

    def extra_context(self):
        gone = (
            ""
            if self.record is not None
            else f"This {kind_of(self.table)} is not there any more, or has no page of its own."
        )
        return {**super().extra_context(), "note": gone}
