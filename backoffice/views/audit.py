import django_filters
from django.db.models import Exists, Func, OuterRef, TextField
from django.urls import reverse
from django.utils.http import urlencode

from backoffice import generic
from backoffice.filters import DayFilter, FilterSet
from backoffice.models import AuditEvent, ReadLog
from backoffice.reverts import can_revert
from backoffice.tables import Column, Table


class FieldNames(Func):
    """The names of the fields that an audit event is about, as one text."""

    template = (
        "(select string_agg(key, ', ' order by key)"
        " from jsonb_object_keys(coalesce(new, '{}') || coalesce(old, '{}')) key)"
    )
    output_field = TextField()


class AuditEventTable(Table):
    at = Column("Time", order="id")
    actor = Column("By")
    action = Column("What")
    row_label = Column("Record")
    fields = Column("Fields", accessor="changes", export=FieldNames())
    reason = Column()
    organization = Column("Organization", shown=False, needs=["organization__name"])

    class Meta(Table.Meta):
        model = AuditEvent
        fields = []
        rows = "backoffice/auditevent_rows.html"


class BatchesFilter(django_filters.ChoiceFilter):
    """Of all that ran under one request or job, the first entry alone, which stands for the others."""

    def __init__(self):
        super().__init__(label="Batches", choices=[("one", "One entry of each")], empty_label="All entries")

    def filter(self, queryset, value):
        if not value:
            return queryset
        earlier = AuditEvent.objects.filter(request_id=OuterRef("request_id"), pk__lt=OuterRef("pk"))
        return queryset.exclude(Exists(earlier.order_by()))


class AuditEventFilter(FilterSet):
    search_fields = ["row_id__exact", "actor", "row_label", "organization_id__id"]
    rare = ("action", "source", "batches", "batch")
    batches = BatchesFilter()
    batch = django_filters.CharFilter(field_name="request_id", label="Request or job")
    since = DayFilter("at", label="From")
    until = DayFilter("at", label="Until", until=True)

    class Meta:
        model = AuditEvent
        fields = ["table_name", "action", "source"]


class AuditEventList(generic.ListView):
    model = AuditEvent
    title = "Changes"
    table_class = AuditEventTable
    filterset_class = AuditEventFilter
    orders = {"id": generic.by_id()}


class AuditEventDetail(generic.DetailView):
    model = AuditEvent
    has_history = False
    fields = [
        "at", "actor", "source", "db_role", "jwt_sub", "reason", "request_id",
        "table_name", "row_label", "row_id", "action", "old", "new",
    ]  # fmt: skip

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
            yield {
                "label": "Its entries",
                "icon": "list",
                "url": f"{reverse('backoffice:auditevent_list')}?{urlencode({'batch': event.request_id})}",
            }


class ReadLogTable(Table):
    at = Column("Time", order="id")
    actor = Column("By")
    kind = Column("What")
    row_label = Column("Record")
    reason = Column()
    organization = Column("Organization")

    class Meta(Table.Meta):
        model = ReadLog
        fields = []
        rows = "backoffice/readlog_rows.html"


class ReadLogFilter(FilterSet):
    search_fields = ["row_id__exact", "actor", "row_label", "organization_id__id"]
    rare = ("table_name",)
    since = DayFilter("at", label="From")
    until = DayFilter("at", label="Until", until=True)

    class Meta:
        model = ReadLog
        fields = ["table_name", "kind", "organization"]


class ReadLogList(generic.ListView):
    model = ReadLog
    queryset = ReadLog.objects.select_related("organization")
    title = "Readings"
    table_class = ReadLogTable
    filterset_class = ReadLogFilter
    orders = {"id": generic.by_id()}


class ReadLogDetail(generic.DetailView):
    model = ReadLog
    has_history = False
    fields = [
        "at",
        "actor",
        "kind",
        "table_name",
        "row_label",
        "row_id",
        "detail",
        "reason",
        "request_id",
        "db_role",
    ]
