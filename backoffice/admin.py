"""Django admin of our own tables: staff accounts, jobs, what was changed and read, and the queue."""

from django import forms
from django.contrib import admin
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import SetPasswordMixin
from django.core import signing
from django.db.models import F, Q
from django.urls import path
from procrastinate.contrib.django import models as queue

from backoffice import audit, generic, staff
from backoffice.admin_site import HISTORY, InAdmin, RecordAdmin
from backoffice.filters import FilterSet
from backoffice.forms import ReasonForm, StaffForm
from backoffice.models import AuditEvent, HealthFinding, Job, ReadLog, User
from backoffice.roles import ROLES
from backoffice.services import snapshot
from backoffice.views.audit import AuditEventDetail, AuditEventList, ReadLogDetail, ReadLogList
from backoffice.views.health_lists import HealthFindingDetail, HealthFindingList
from backoffice.views.jobs import visible_jobs

# Staff accounts


class AccountForm(StaffForm):
    """An account with its role. One's own role and suspension are left out."""

    role = forms.ChoiceField(
        choices=[*((role, role) for role in ROLES), (staff.NO_ROLE, staff.NO_ROLE)],
        help_text="Admins may do everything that anybody may, delete, and look after accounts.",
    )
    reason_required = True

    class Meta(StaffForm.Meta):
        model = User
        fields = ["email", "first_name", "last_name", "is_active"]
        labels = {"is_active": "Active"}
        help_texts = {"is_active": "A suspended account cannot sign in; what it did stays on record."}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk == self.actor.pk:
            del self.fields["role"], self.fields["is_active"]
        elif not self.instance._state.adding:
            self.initial.setdefault("role", self.instance.role)

    def sign(self, instance):
        # The role is a property, not a column; two admins may change it at once all the same.
        return signing.dumps(snapshot(instance, self.own_fields()), salt="opened", compress=True)

    def _post_clean(self):
        super()._post_clean()
        if "role" in self.cleaned_data:
            self.instance.role = self.cleaned_data["role"]


class AccountAddForm(SetPasswordMixin, AccountForm):
    password1, password2 = SetPasswordMixin.create_password_fields()
    field_order = ["email", "first_name", "last_name", "role", "password1", "password2", "reason"]

    class Meta(AccountForm.Meta):
        fields = ["email", "first_name", "last_name"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.order_fields(self.field_order)

    def clean(self):
        self.validate_passwords()
        return super().clean()

    def _post_clean(self):
        super()._post_clean()
        self.validate_password_for_user(self.instance)
        if not self.errors:
            self.instance.set_password(self.cleaned_data["password1"])


class PasswordForm(SetPasswordMixin, ReasonForm):
    """Cleans to `password` and `reason`."""

    password1, password2 = SetPasswordMixin.create_password_fields()
    field_order = ["password1", "password2", "reason"]

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self):
        self.validate_passwords()
        self.validate_password_for_user(self.user)
        return {"password": self.cleaned_data.get("password1"), "reason": self.cleaned_data.get("reason")}


class AccountFilter(FilterSet):
    search_fields = ["email", "first_name", "last_name"]

    class Meta:
        model = User
        fields = []


class AccountList(generic.ListView):
    model = User
    filterset_class = AccountFilter
    orders = {"email": generic.Order(F("email"), rises_first=True)}


class AccountPassword(generic.ActionView):
    model = User
    service = staticmethod(staff.set_password)
    form_class = PasswordForm
    label = "Set password"
    icon = "key-round"
    explanation = "The account is signed out everywhere. Tell the person the password by a safe way."
    success = "The password of {object} was set."

    def get_form(self, **kwargs):
        return super().get_form(user=self.object, **kwargs)

    def done(self, result):
        if result.pk == self.request.user.pk:
            update_session_auth_hash(self.request, result)
        return super().done(result)


class AccountRecord(generic.DetailView):
    model = User
    fields = [
        ("Account", ["email", "first_name", "last_name", "role", "is_active"]),
        ("Settings and use", ["time_zone", "theme", "last_login", "date_joined", "id"]),
    ]

    def actions(self):
        return [("admin:backoffice_user_password", AccountPassword)]

    def show_role(self, user):
        return "Role", user.role


class AccountAdd(generic.CreateView):
    model = User
    form_class = AccountAddForm

    def save(self, form):
        return staff.save_account(form.instance, actor=self.request.user, reason=form.cleaned_data["reason"])


class AccountEdit(generic.UpdateView):
    model = User
    form_class = AccountForm

    def save(self, form):
        return staff.save_account(
            form.instance,
            actor=self.request.user,
            reason=form.cleaned_data["reason"],
            opened=form.opened_values(),
        )


class AccountDelete(generic.DeleteView):
    model = User
    service = staticmethod(staff.delete_account)

    def context(self):
        return {
            "blockers": [generic.blocker_words(*blocker) for blocker in staff.account_blockers(self.object)]
        }


@admin.register(User)
class UserAdmin(RecordAdmin):
    list_page, record_page = AccountList, AccountRecord
    add_page, edit_page, delete_page = AccountAdd, AccountEdit, AccountDelete
    columns = ["email", "first_name", "last_name", "is_superuser", "is_active", "last_login"]
    list_filter = ["is_superuser", "is_active", "groups"]
    search_help_text = "A name or mail address."

    def get_urls(self):
        view = self.admin_site.admin_view(self.password_view)
        return [
            path("<path:object_id>/password/", view, name="backoffice_user_password"),
            *super().get_urls(),
        ]

    def password_view(self, request, object_id):
        self.require("change", request)
        return self.show(InAdmin, AccountPassword, request, object_id)

    def history(self, obj):
        """With the roles given and taken, which are rows of another table."""
        given = Q(new__user_id=obj.pk) | Q(old__user_id=obj.pk)
        table = f"backoffice.{User.groups.through._meta.db_table}"
        events = AuditEvent.objects.of(obj) | AuditEvent.objects.filter(given, table_name=table)
        return [audit.describe(event) for event in events[:HISTORY]]


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
