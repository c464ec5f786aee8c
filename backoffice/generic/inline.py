"""Editing one field in place: the model's own edit page, form, rules and conflict check, cut down to a single field.

With htmx the field on a record's page becomes a small form; without JavaScript the pencil leads to a page with just
this field. There is one address for all models: /inline/<app.model>/<id>/<field>/.
"""

from functools import cache, lru_cache
from urllib.parse import quote
from uuid import UUID

from django.apps import apps
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Select
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import render
from django.urls import NoReverseMatch, resolve, reverse
from django.views import View
from django_htmx.http import trigger_client_event

from backoffice.addresses import script_prefix
from backoffice.audit import last_change, undo_tag
from backoffice.display import differences, present, side
from backoffice.generic.editing import UpdateView
from backoffice.generic.page import safe_next
from backoffice.roles import field_permission, role_of

EDIT_PAGES = ("edit", "correct")


@lru_cache
def edit_page(model):
    """The model's UpdateView, found by its address; None where it has none."""
    for page in EDIT_PAGES:
        try:
            name = f"{model._meta.app_label}:{model._meta.model_name}_{page}"
            view = getattr(resolve(reverse(name, args=[UUID(int=0)])).func, "view_class", None)
        except NoReverseMatch:
            continue
        if view is not None and issubclass(view, UpdateView):
            return view
    return None


def editable_fields(obj, user):
    """Names of the fields of a row that this person may edit, as the whole form decides. Asks the database nothing."""
    view = edit_page(type(obj))
    if view is None or not view().may_open(user):
        return frozenset()
    columns = {field.name for field in obj._meta.concrete_fields}
    return columns.intersection(view().get_form_class().editable(obj, user))


def edit_url(obj, name, back=""):
    """Where one field is edited; `back` is the page to which its plain form returns."""
    url = f"{folder_of(obj._meta.label_lower, script_prefix())}{obj.pk}/{name}/"
    return f"{url}?next={quoted(back)}" if back else url


quoted = lru_cache(maxsize=100)(quote)  # a record's page has one for each field, with the same way back


@cache
def folder_of(label, prefix):
    """Where the fields of a model's rows are edited; `prefix` begins all addresses of the site. Kept, as a record's
    page asks for dozens.
    """
    return reverse("inline_edit", args=[label, UUID(int=0), "f"]).removesuffix(f"{UUID(int=0)}/f/")


class InlineEdit(View):
    """Finds the edit page of the model and hands over to it."""

    def dispatch(self, request, label, pk, field):
        try:
            view = edit_page(apps.get_model(label))
        except (LookupError, ValueError):
            view = None
        if view is None:
            raise Http404("There is nothing to edit like this.")
        return inline_page(view).as_view()(request, pk=pk, field=field)


@lru_cache
def inline_page(view):
    return type(f"{view.__name__}Inline", (InlineField, view), {})


class InlineField:
    """Mixed into an UpdateView: its form with one field, as a fragment for htmx or as a page."""

    def get_form(self, **kwargs):
        wanted = self.kwargs["field"]
        form = super().get_form(**kwargs)
        if wanted not in form.own_fields() and not self.keeps_theirs(form, wanted):
            self.refuse(wanted)
        for name in form.own_fields():
            if name != wanted:
                del form.fields[name]
        form.auto_id = f"id_inline_{wanted}_%s"
        return form

    def keeps_theirs(self, form, name):
        """Whether the form is without the field because the conflict page was answered so (in place there is none)."""
        answered = form.data.get(f"keep_{name}") == "theirs" and not self.is_fragment
        return answered and name in editable_fields(self.object, self.request.user)

    def refuse(self, name):
        permission = field_permission(self.model, name)
        if name in self.get_form_class().base_fields and not self.request.user.has_perm(permission):
            raise PermissionDenied(
                f"Your role ({role_of(self.request.user)}) may not change this field; "
                f"it lacks the permission {permission}."
            )
        raise Http404("There is no such field to edit.")

    @property
    def is_fragment(self):
        return bool(self.request.htmx) and not self.request.htmx.history_restore_request

    def get(self, request, **kwargs):
        if "shown" in request.GET and self.is_fragment:
            self.get_form()
            return self.fragment(self.object)
        return super().get(request, **kwargs)

    def label(self, form):
        field = form.fields.get(self.kwargs["field"])
        return field.label if field else self.kwargs["field"]

    def title(self, obj):
        return f"Edit {self.model._meta.get_field(self.kwargs['field']).verbose_name} of {obj}"

    def page_context(self, form):
        context = super().page_context(form)
        return {**context, "cancel_url": safe_next(self.request, context["cancel_url"])}

    def show(self, form, status=200):
        if not self.is_fragment:
            return super().show(form, status)
        return self.form_fragment(form, status)

    def form_fragment(self, form, status, conflict=None):
        name = self.kwargs["field"]
        widget = form.fields[name].widget
        context = {
            "form": form,
            "field": form[name],
            "url": edit_url(self.object, name),
            "conflict": conflict,
            "is_long": "rows" in widget.attrs or isinstance(widget, Select),  # there Enter does not send
        }
        return render(self.request, "components/inline_form.html", context, status=status)

    def fragment(self, obj, **extra):
        """The value as it stands on the page, with its pencil."""
        name = self.kwargs["field"]
        back = self.request.htmx.current_url_abs_path or ""
        item = present(self.for_editing(obj), name, self.request.user)
        context = {"item": item, "url": edit_url(obj, name, back), **extra}
        return render(self.request, "components/inline_saved.html", context)

    def saved(self, saved, form):
        if not self.is_fragment:
            super().saved(saved, form)
            return HttpResponseRedirect(safe_next(self.request, self.success_url(saved)))
        fresh = self.model._default_manager.get(pk=saved.pk)
        if form.changes():
            text = f"{self.label(form)} of {fresh} was saved. {self.after_saving}".strip()
            messages.success(self.request, text, extra_tags=undo_tag(fresh, self.request.user))
        return trigger_client_event(self.fragment(fresh), "recordChanged", after="settle")

    def show_conflict(self, form, conflict):
        """In place: the form as typed, above it what was and what is stored now. Saving again replaces that."""
        if not self.is_fragment:
            return super().show_conflict(form, conflict)
        name = self.kwargs["field"]
        field = self.model._meta.get_field(name)
        opened = form.opened_value(name)
        form.data = form.data.copy()
        form.data["opened"] = form.sign(conflict.stored)
        return self.form_fragment(
            form,
            409,
            conflict={
                "opened": side(field, opened),
                "current": differences(
                    side(field, opened), side(field, conflict.stored.serializable_value(name))
                ),
                "event": last_change(conflict.stored, [field.column]),
            },
        )
