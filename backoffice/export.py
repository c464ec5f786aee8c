"""A list as CSV: the page's own filters, in the model's order, streamed out of COPY, safe to open in a spreadsheet."""

from contextlib import contextmanager

from django.core.exceptions import PermissionDenied
from django.db import connection, connections
from django.db.models import Case, CharField, F, Func, Q, TextField, Value, When
from django.http import HttpResponseRedirect, QueryDict
from django.urls import resolve, reverse
from django.utils import timezone
from django.views import View

from backoffice import jobs, keyset, services
from backoffice.models import User


class ListExport(View):
    """Starts the job that exports a list as it is filtered; for whoever may see the list."""

    http_method_names = ["post"]
    list_view = None

    def post(self, request):
        view = self.list_view
        if not request.user.has_perm(view.required_permission()):
            raise PermissionDenied(f"Your role may not see {view.model._meta.verbose_name_plural}.")
        meta = view.model._meta
        job = jobs.start(
            "export",
            title=f"Export of {meta.verbose_name_plural}",
            owner=request.user,
            list=f"{meta.app_label}:{meta.model_name}_list",
            query=request.GET.urlencode(),
        )
        return HttpResponseRedirect(job.get_absolute_url())


# A cell that a spreadsheet would take for a formula; a plain signed number is none.
FORMULA = r"^(?=[=+\-@\t\r])(?![+-]?[0-9][0-9 .,]*$)"


class Plain(Func):
    """A text with an apostrophe in front if it would be taken for a formula."""

    function = "regexp_replace"
    output_field = TextField()

    def __init__(self, expression):
        super().__init__(expression, Value(FORMULA), Value("'"))


def export_columns(view):
    """The columns that an export of a list holds: all that are mapped, but JSON and what the list leaves out."""
    return [
        field
        for field in view.model._meta.concrete_fields
        if field.get_internal_type() != "JSONField" and field.name not in view.not_exported
    ]


def export_value(field):
    """What stands in the file: texts safe in a spreadsheet; not a text that is JSON, which may hold secrets."""
    if not isinstance(field, CharField | TextField):
        return F(field.attname)
    is_json = Q(**{f"{field.attname}__regex": r"^\s*[[{]\s*[\"{\[]"})
    return Case(
        When(is_json, then=Value("[JSON]")), default=Plain(F(field.attname)), output_field=TextField()
    )


@jobs.kind("export")
def export_list(job, progress):
    """params: list (a url name), query (its query string)."""
    view = resolve(reverse(job.params["list"])).func.view_class()
    filterset = view.filterset_class(QueryDict(job.params["query"]), queryset=view.get_queryset())
    columns = export_columns(view)
    owner = User.objects.get(pk=job.owner_id)
    with timezone.override(owner.time_zone):  # "from" and "until" are days of whoever asked
        found = filterset.qs
    queryset = found.select_related(None).order_by(*view.model._meta.ordering)
    values = {f"column_{field.column}": export_value(field) for field in columns}
    sql, params = queryset.values(**values).query.sql_with_params()
    statement = f"copy ({connection.ops.compose_sql(sql, params)}) to stdout with (format csv)"
    job.result_path.parent.mkdir(parents=True, exist_ok=True)
    services.log_read(
        "export",
        view.model(),
        actor=owner,
        detail=f"{job.title}: {job.params['query']}",
    )
    progress.start(keyset.total(found, filtered=filterset.is_filtered).number)
    with job.result_path.open("wb") as file, copying(statement) as rows:
        file.write((",".join(field.column for field in columns) + "\n").encode())
        for row in rows:
            file.write(row)
            progress.step()
    job.total = job.done
    job.result_name = f"{view.model._meta.verbose_name_plural.replace(' ', '-')}.csv"
    job.message = f"{job.done:,} rows."


@contextmanager
def copying(statement):
    """The rows of a COPY, over a connection of its own: the job goes on reporting over the usual one meanwhile."""
    own = connections.create_connection("default")
    try:
        with transaction_of(own), own.cursor() as cursor:
            cursor.execute("set local statement_timeout = 0")
            with cursor.cursor.copy(statement) as copy:
                yield copy
    finally:
        own.close()


@contextmanager
def transaction_of(own):
    own.set_autocommit(False)
    try:
        yield
    finally:
        own.rollback()
        own.set_autocommit(True)
