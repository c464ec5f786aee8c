"""Pages of one model: list, detail, create, edit, delete, action. A subclass says which model and what to show.

Each derives its permission from model and action and refuses everybody else; each writes through backoffice.services.
"""

import json

from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, ValidationError
from django.db import DataError, IntegrityError
from django.db.models import F
from django.forms import modelform_factory
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import NoReverseMatch, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.text import capfirst
from django.views import View

from backoffice import keyset, services
from backoffice.audit import history
from backoffice.display import present
from backoffice.filters import Query
from backoffice.forms import PickerWidget, ReasonForm, StaffForm
from backoffice.roles import READ_ONLY, role_of
from backoffice.templatetags.ui import duration, missing  # noqa: F401

PAGE_SIZE = 50


class ModelPage(View):
    """A page about one model. `permission` defaults to `<app>.<action>_<model>`."""

    model = None
    action = ""
    permission = ""
    template_name = ""

    @classmethod
    def required_permission(cls):
        meta = cls.model._meta
        return cls.permission or f"{meta.app_label}.{cls.action}_{meta.model_name}"

    def may_open(self, user):
        """Whether this person may use the page at all."""
        if self.action in ("add", "change", "delete") and self.model._meta.label_lower in READ_ONLY:
            return False
        return user.has_perm(self.required_permission())

    def dispatch(self, request, *args, **kwargs):
        if not self.may_open(request.user):
            raise PermissionDenied(
                f"Your role ({role_of(request.user)}) may not {self.deed()}; "
                f"it lacks the permission {self.required_permission()}."
            )
        return super().dispatch(request, *args, **kwargs)

    def deed(self):
        """What the page does, after "may not"."""
        verb = {"view": "see"}.get(self.action, self.action)
        return f"{verb} {self.model._meta.verbose_name_plural}"

    def url(self, page, obj=None):
        """Address of another page of the model, "" where there is none."""
        try:
            name = f"{self.model._meta.app_label}:{self.model._meta.model_name}_{page}"
            return reverse(name, args=[obj.pk] if obj is not None else [])
        except NoReverseMatch:
            return ""

    def can(self, action):
        meta = self.model._meta
        return meta.label_lower not in READ_ONLY and self.request.user.has_perm(
            f"{meta.app_label}.{action}_{meta.model_name}"
        )

    def crumbs(self):
        return [(capfirst(self.model._meta.verbose_name_plural), self.url("list"))]

    def render(self, context, *, status=200, template=""):
        meta = self.model._meta
        own = f"{meta.app_label}/{meta.model_name}_{self.page}.html"
        names = [template] if template else [self.template_name or own, f"backoffice/object_{self.page}.html"]
        context = {"model_name": meta.verbose_name, "model_name_plural": meta.verbose_name_plural, **context}
        return render(self.request, names, context, status=status)


class ListView(ModelPage):
    """Rows in pages, filtered and sorted by the address.

    `orders` is {name: Order}; the first is the default, read falling unless it says otherwise.
    """

    action = "view"
    page = "list"
    queryset = None
    table_class = None
    filterset_class = None
    orders = {}
    title = ""
    note = ""

    def get_queryset(self):
        return (self.queryset if self.queryset is not None else self.model._default_manager).all()

    def filterset(self):
        return self.filterset_class(self.request.GET, queryset=self.get_queryset(), request=self.request)

    def current_order(self):
        """(name as in the address, Order, falling?); an order that does not exist counts as the default."""
        wanted = self.request.GET.get("sort", "")
        default = next(iter(self.orders))
        name = wanted.lstrip("-")
        if name not in self.orders:
            name, wanted = default, default if self.orders[default].rises_first else f"-{default}"
        return wanted, self.orders[name], wanted.startswith("-")

    def get(self, request):
        filterset = self.filterset()
        queryset = filterset.qs
        wanted, order, falling = self.current_order()
        query = Query(request.GET)
        try:
            page = keyset.read_page(
                queryset, order.key, descending=falling, size=PAGE_SIZE, params=request.GET
            )
        except (keyset.BadCursor, DataError):
            messages.warning(
                request, "That place in the list does not exist any more; this is its beginning."
            )
            return HttpResponseRedirect(str(query.without("after", "before", "last")) or request.path)
        table = self.table_class(page.rows)
        places = query.without("after", "before", "last")
        place = {
            side: str(places.with_(**dict([token.split("=", 1)]))) if token else ""
            for side, token in (("previous", page.previous), ("next", page.next))
        }
        context = {
            "page_title": self.title or capfirst(self.model._meta.verbose_name_plural),
            "filterset": filterset,
            **filter_fields(filterset, query),
            "table": table,
            "headers": table.headers(self.orders, wanted, query),
            "rows": page.rows,
            "row_context": self.row_context(page.rows),
            "total": keyset.total(queryset, filtered=filterset.is_filtered),
            "previous_url": place["previous"],
            "next_url": place["next"],
            "first_url": "" if page.is_first else str(places),
            "last_url": str(places.with_(last="1")) if place["next"] else "",
            "newer_label": order.before_label if falling else order.after_label,
            "older_label": order.after_label if falling else order.before_label,
            "by_time": order.by_time,
            "reset_url": request.path if filterset.is_filtered else "",
            "add_url": self.url("add") if self.can("add") else "",
            "export_url": self.url("export"),
            "query": request.GET.urlencode(),
            "sort": request.GET.get("sort", ""),
            "note": self.note,
            **self.extra_context(),
        }
        template = "backoffice/list_results.html" if request.htmx and not request.htmx.boosted else ""
        return self.render(context, template=template)

    def row_context(self, rows):
        """What the rows template needs beside the rows, read once for the page."""
        return {}

    def extra_context(self):
        return {}


def filter_fields(filterset, query):
    """The fields of a filter bar: pickers, which take room, stand apart; what is chosen there shows as chips."""
    fields = list(filterset.form)
    pickers = [field for field in fields if isinstance(field.field.widget, PickerWidget)]
    return {
        "plain_filters": [field for field in fields if field not in pickers],
        "picker_filters": pickers,
        "chips": [
            {"text": f"{field.label}: {row}", "url": query.without(field.name, "after", "before", "last")}
            for field in pickers
            if (row := getattr(filterset.form, "cleaned_data", {}).get(field.name))
        ],
        "pickers_open": any(field.errors or field.field.widget.typed for field in pickers),
    }


class Order:
    """One order of a list: its key (an expression that is never NULL, with an index on it and the id)."""

    def __init__(self, key, *, rises_first=False, by_time=False):
        self.key = key
        self.rises_first = rises_first
        self.by_time = by_time
        self.before_label, self.after_label = ("Newer", "Older") if by_time else ("Previous", "Next")


def by_time(column="created_at"):
    return Order(keyset.newest(column), by_time=True)


def by_id():
    """Newest first where ids count up: the id itself is the key."""
    return Order(F("id"), by_time=True)


class ObjectPage(ModelPage):
    """A page about one row, found by the id in the address; `queryset` may join what it shows."""

    queryset = None

    @cached_property
    def object(self):
        queryset = self.queryset if self.queryset is not None else self.model._default_manager
        return get_object_or_404(queryset.all(), pk=self.kwargs["pk"])

    def crumbs(self):
        crumbs = super().crumbs()
        if self.page != "detail" and self.url("detail", self.object):
            crumbs.append((str(self.object), self.url("detail", self.object)))
        return crumbs


class DetailView(ObjectPage):
    """One row. `fields` are names of fields or of methods of the view (`show_<name>`), or (heading, [names]) groups.

    `related` is [(label, url name of a list, parameter, relation)]: links to lists narrowed to this row, with how many
    rows they have (counting stops at 1,000).
    """

    action = "view"
    page = "detail"
    fields = []
    related = []
    has_history = True

    def get(self, request, pk):
        obj = self.object
        context = {
            "page_title": str(obj),
            "object": obj,
            "crumbs": self.crumbs(),
            "groups": self.groups(),
            "related": self.related_links(),
            "events": history(obj) if self.has_history else None,
            "edit_url": self.url("edit", obj) if self.may_edit() else "",
            "delete_url": self.url("delete", obj) if self.can("delete") else "",
            "actions": [
                {"label": view.label, "icon": view.icon, "url": reverse(name, args=[obj.pk])}
                for name, view in self.actions()
                if request.user.has_perm(view.required_permission()) and view.applies_to(obj)
            ],
            "warnings": self.warnings(),
            **self.extra_context(),
        }
        return self.render(context)

    def may_edit(self):
        return self.can("change")

    def actions(self):
        """[(url name, ActionView subclass)] offered on this page."""
        return []

    def warnings(self):
        """Sentences about what is odd with this row."""
        return []

    def extra_context(self):
        return {}

    def groups(self):
        fields = self.fields if self.fields and isinstance(self.fields[0], tuple) else [("", self.fields)]
        return [
            {"heading": heading, "items": [self.item(name) for name in names]} for heading, names in fields
        ]

    def item(self, name):
        if show := getattr(self, f"show_{name}", None):
            label, value = show(self.object)
            return {"name": name, "label": label, "value": value}
        return present(self.object, name, self.request.user)

    def related_links(self):
        links = []
        for label, url_name, parameter, relation in self.related:
            rows = getattr(self.object, relation).order_by().values("pk")[: keyset.COUNT_LIMIT // 10 + 1]
            links.append(
                {
                    "label": label,
                    "url": f"{reverse(url_name)}?{parameter}={self.object.pk}",
                    "count": rows.count(),
                }
            )
        return links


class FormPage(ModelPage):
    """What creating and editing share: the form, the picker's plain search, errors of the database on the form."""

    page = "form"
    fields = None
    form_class = None

    def get_form_class(self):
        if self.form_class:
            return self.form_class
        if not self.fields:
            raise ImproperlyConfigured(f"{type(self).__name__} needs fields or a form_class")
        return modelform_factory(self.model, form=StaffForm, fields=self.fields)

    def get_form(self, **kwargs):
        return self.get_form_class()(actor=self.request.user, instance=self.get_instance(), **kwargs)

    def get(self, request, **kwargs):
        initial = {
            name: value for name, value in request.GET.items() if name in self.get_form_class().base_fields
        }
        return self.show(self.get_form(initial=initial))

    def post(self, request, **kwargs):
        if "_pick" in request.POST:
            return self.show(self.searched_form())
        form = self.get_form(data=request.POST)
        if not form.is_valid():
            return self.show(form, status=422)
        try:
            saved = self.save(form)
        except services.Conflict as conflict:
            return self.show_conflict(form, conflict)
        except ValidationError as error:
            form.add_error(None, error)
        except IntegrityError as error:
            form.add_error(None, integrity_sentence(error))
        except DataError:
            form.add_error(None, "A value does not fit into its column: it is too long or too large.")
        else:
            messages.success(request, self.success_message(saved))
            return HttpResponseRedirect(self.success_url(saved))
        return self.show(form, status=422)

    def searched_form(self):
        """The form as typed, nothing checked, with the rows that a picker's plain search found."""
        data = self.request.POST
        form = self.get_form(initial=data.dict())
        for name, field in form.fields.items():
            if hasattr(field.widget, "typed") and data.get("_pick") == name:
                field.widget.typed = data.get(f"{name}_search", "").strip()
        return form

    def save(self, form):
        return services.save(form.instance, actor=self.request.user, reason=form.cleaned_data["reason"])

    def success_url(self, saved):
        return saved.get_absolute_url()


class CreateView(FormPage):
    action = "add"

    def get_instance(self):
        return self.model()

    def success_message(self, saved):
        return f"{capfirst(self.model._meta.verbose_name)} {saved} was added."

    def show(self, form, status=200):
        title = f"Add {self.model._meta.verbose_name}"
        context = {"form": form, "page_title": title, "crumbs": self.crumbs(), "submit": "Add"}
        return self.render(context | {"cancel_url": self.url("list")}, status=status)


class UpdateView(FormPage, ObjectPage):
    action = "change"

    def get_instance(self):
        return self.object

    def save(self, form):
        return services.save(
            form.instance,
            actor=self.request.user,
            reason=form.cleaned_data["reason"],
            opened=form.opened_values(),
        )

    def success_message(self, saved):
        return f"{capfirst(self.model._meta.verbose_name)} {saved} was saved."

    def show(self, form, status=200):
        fresh = self.model._default_manager.filter(pk=self.kwargs["pk"]).first() or self.object
        context = {
            "form": form,
            "object": self.object,
            "page_title": f"Edit {fresh}",
            "crumbs": self.crumbs(),
            "submit": "Save",
            "cancel_url": self.url("detail", self.object),
        }
        return self.render(context, status=status)

    def get_form(self, **kwargs):
        form = super().get_form(**kwargs)
        # From the conflict page: what shall stay as it is stored is not written.
        for name in form.own_fields():
            if form.is_bound and form.data.get(f"keep_{name}") == "theirs":
                del form.fields[name]
        return form

    def show_conflict(self, form, conflict):
        """The 409 page: what it was, what it is now, what was typed; asks which to keep, field by field."""
        opened = form.opened_values()
        rows = [
            {
                "name": name,
                "label": form.fields[name].label,
                "opened": json.loads(opened.get(name, "null")),
                "current": conflict.stored.serializable_value(name),
                "mine": form.instance.serializable_value(name),
                "conflict": name in conflict.fields,
            }
            for name in form.own_fields()
        ]
        form.data = form.data.copy()
        form.data["opened"] = form.sign(conflict.stored)
        last = next(iter(history(conflict.stored, limit=1)), None)
        context = {
            "object": conflict.stored,
            "conflict": {"who": last["actor"], "when": last["at"], "reason": last["reason"]} if last else {},
            "rows": rows,
            "hidden": format_html_join("", "{}", ((field.as_hidden(),) for field in form)),
            "page_title": f"{conflict.stored} was changed meanwhile",
            "crumbs": self.crumbs(),
            "cancel_url": self.url("detail", conflict.stored),
        }
        return self.render(context, status=409, template="409.html")


class ActionView(ObjectPage):
    """A verb on one row: asks for a reason (and what `form_class` adds), runs `service`, shows its ValidationError.

    `service(obj, actor=…, reason=…, **other fields of the form)`.
    """

    page = "action"
    action = "change"
    service = None
    form_class = ReasonForm
    label = ""
    icon = "play"
    explanation = ""
    danger = False
    success = "Done."

    def deed(self):
        return f"{self.label.lower()} ({self.model._meta.verbose_name_plural})"

    @classmethod
    def applies_to(cls, obj):
        """Whether the verb makes sense for this row: whether its button is shown."""
        return True

    def get_form(self, **kwargs):
        return self.form_class(**kwargs)

    def get(self, request, pk):
        return self.show(self.get_form())

    def post(self, request, pk):
        form = self.get_form(data=request.POST)
        if form.is_valid():
            try:
                result = type(self).service(self.object, actor=request.user, **form.cleaned_data)
            except ValidationError as error:
                form.add_error(None, error)
            else:
                return self.done(result)
        return self.show(form, status=422)

    def done(self, result):
        messages.success(self.request, self.success.format(object=self.object))
        return HttpResponseRedirect(self.success_url())

    def success_url(self):
        return self.url("detail", self.object)

    def context(self):
        return {}

    def show(self, form, status=200):
        context = {
            "form": form,
            "object": self.object,
            "page_title": f"{self.label}: {self.object}",
            "crumbs": self.crumbs(),
            "submit": self.label,
            "explanation": self.explanation,
            "danger": self.danger,
            "cancel_url": self.url("detail", self.object),
            **self.context(),
        }
        return self.render(context, status=status)


class DeleteView(ActionView):
    """Deletion of a row that nothing depends on; lists what stands in the way, and asks to type the name."""

    page = "confirm_delete"
    action = "delete"
    label = "Delete"
    icon = "trash-2"
    danger = True
    success = "{object} was deleted."
    service = staticmethod(services.delete)

    def context(self):
        return {"blockers": [blocker_words(*blocker) for blocker in services.delete_blockers(self.object)]}

    def success_url(self):
        return self.url("list")


def blocker_words(name, count):
    """One thing that stands in the way of a deletion: "4 agents"; counting stops at 1,000."""
    if name == "credits":
        return "a credit balance other than zero"
    words = name.replace("_", " ")
    if count >= 1000:
        return f"1,000 or more {words}"
    return f"{count} {words.removesuffix('s') if count == 1 else words}"


def links(rows):
    """Rows by name, each linked to its page; "none" for no rows."""
    found = [(row.get_absolute_url(), row) for row in rows]
    return format_html_join(", ", '<a href="{}">{}</a>', found) if found else missing("", "none")


def audio(url):
    """A player that fetches nothing until it is asked to play."""
    return format_html('<audio controls preload="none" src="{}"></audio>', url)


def integrity_sentence(error):
    """What a broken constraint means to the person who typed."""
    cause = error.__cause__
    name = getattr(getattr(cause, "diag", None), "constraint_name", "") or ""
    state = getattr(cause, "sqlstate", "")
    if state == "23505":
        return "Another record has this value already; it must be unique."
    if state == "23503":
        return "It refers to a record that does not exist (any more)."
    if state == "23514":
        return getattr(cause.diag, "message_primary", "") or f"The database does not accept this ({name})."
    return "The database does not accept this; nothing was saved."


def safe_next(request, default):
    """The address in `next`, if it is one of ours."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    ok = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if ok else default
