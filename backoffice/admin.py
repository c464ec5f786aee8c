"""Django admin of our own tables: staff accounts, jobs, what was changed and read, and the queue."""

from django.contrib import admin
from django.db.models import F
from procrastinate.contrib.django import models as queue

from backoffice import generic
from backoffice.admin_site import HISTORY, RecordAdmin
from backoffice.models import AuditEvent, HealthFinding, Job, ReadLog, User
from backoffice.views.audit import AuditEventDetail, AuditEventList, ReadLogDetail, ReadLogList
from backoffice.views.health_lists import HealthFindingDetail, HealthFindingList
from backoffice.views.jobs import visible_jobs
from backoffice.views.staff import (
    UserCreate,
    UserDelete,
    UserDetail,
    UserList,
    UserUpdate,
    account_history,
)

# Staff accounts


@admin.register(User)
class UserAdmin(RecordAdmin):
    list_page, record_page = UserList, UserDetail
    add_page, edit_page, delete_page = UserCreate, UserUpdate, UserDelete
    columns = ["email", "first_name", "last_name", "is_superuser", "is_active", "last_login"]
    list_filter = ["is_superuser", "is_active", "groups"]
    search_help_text = "A name or mail address."

    def history(self, obj):
        return account_history(obj, HISTORY)


# Data health


@admin.register(HealthFinding)
class HealthFindingAdmin(RecordAdmin):
    list_page, record_page = HealthFindingList, HealthFindingDetail
    columns = ["text", "section", "level", "count", "first_seen_at"]
    search_help_text = "A part of the finding."


# Jobs, changes, readings


class JobList(generic.ListView):
    model = Job
    orders = {"created": generic.Order(F("created_at"), by_time=True)}


class JobRecord(generic.DetailView):
    model = Job
    fields = [
        ("Job", ["title", "kind", "owner_name", "status", "message", "done", "total", "attempts", "params"]),
        ("Result", ["result_name", "result_bytes", "expires_at"]),
        ("Times", ["created_at", "started_at", "touched_at", "finished_at", "id"]),
    ]

    @property
    def queryset(self):
        return visible_jobs(self.request.user)

    def show_owner_name(self, job):
        return "Asked for by", str(job.owner)


@admin.register(Job)
class JobAdmin(RecordAdmin):
    list_page, record_page = JobList, JobRecord
    columns = ["title", "owner", "status", "created_at", "finished_at"]
    list_filter = ["status"]

    def get_queryset(self, request):
        return visible_jobs(request.user).defer("params")


@admin.register(AuditEvent)
class AuditEventAdmin(RecordAdmin):
    list_page, record_page = AuditEventList, AuditEventDetail
    rows = AuditEvent.objects.defer("old", "new")
    columns = ["row_label", "actor", "reason", "source", "at"]
    list_filter = ["action", "source"]
    search_help_text = "The id of a record, or a part of its name or of the name of who did it."


@admin.register(ReadLog)
class ReadLogAdmin(RecordAdmin):
    list_page, record_page = ReadLogList, ReadLogDetail
    columns = ["row_label", "actor", "reason", "at"]
    list_filter = ["kind"]
    search_help_text = "The id of a record, or a part of its name or of the name of who read it."


# The queue, for those who keep the worker running: to look at only


def register_queue(model, columns, order="id"):
    """Register one of the queue's tables; only superusers hold its permission."""
    names = [field.name for field in model._meta.concrete_fields]
    orders = {order: generic.Order(F(order))}
    pages = {
        "list_page": type("QueueList", (generic.ListView,), {"model": model, "orders": orders}),
        "record_page": type("QueueRecord", (generic.DetailView,), {"model": model, "fields": names}),
    }
    admin.site.register(model, type(f"{model.__name__}Admin", (RecordAdmin,), {**pages, "columns": columns}))


register_queue(
    queue.ProcrastinateJob, ["id", "task_name", "queue_name", "status", "attempts", "scheduled_at"]
)
register_queue(queue.ProcrastinateEvent, ["id", "type", "at"])
register_queue(queue.ProcrastinatePeriodicDefer, ["id", "task_name", "defer_timestamp"])
register_queue(queue.ProcrastinateWorker, ["id", "last_heartbeat"])
