"""Adding and changing a row: the form, the conflict page, errors of the database as sentences."""

import json

from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import DataError, IntegrityError
from django.forms import modelform_factory
from django.http import HttpResponseRedirect
from django.utils.html import format_html_join
from django.utils.text import capfirst

from backoffice import services
from backoffice.audit import last_change, undo_tag
from backoffice.display import differences, side
from backoffice.forms import StaffForm
from backoffice.generic.page import ModelPage, ObjectPage
from backoffice.page_model import PageModel


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
        if "_pick" in request.POST or "_edit" in request.POST:
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
            form.add_error(None, services.integrity_sentence(error))
        except DataError:
            form.add_error(None, "A value does not fit into its column: it is too long or too large.")
        else:
            return self.saved(saved, form)
        return self.show(form, status=422)

    def saved(self, saved, form):
        """Says what happened, with the way to undo it, and leads on."""
        if form.changes():
            tag = undo_tag(saved, self.request.user)
            messages.success(self.request, self.success_message(saved), extra_tags=tag)
        else:
            messages.success(self.request, "Nothing was changed.")
        return HttpResponseRedirect(self.success_url(saved))

    def searched_form(self):
        """The form as typed, nothing checked, with the rows that a picker's plain search found.

        From the conflict page too: what was not one's own change there is as it is stored.
        """
        data = self.request.POST
        typed = {name: value for name, value in data.items() if data.get(f"keep_{name}") != "theirs"}
        form = self.get_form(initial=typed)
        for name, field in form.fields.items():
            if (
                getattr(field.widget, "allow_multiple_selected", False)
                and data.get(f"keep_{name}") != "theirs"
            ):
                form.initial[name] = data.getlist(name)
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
    after_saving = ""  # a sentence that follows "… was saved."

    def get_instance(self):
        return self.for_editing(self.object)

    def for_editing(self, obj):
        return obj.for_editing() if isinstance(obj, PageModel) else obj

    def save(self, form):
        asked = self.request.POST.getlist("asked")  # on the conflict page
        unanswered = [name for name in asked if f"keep_{name}" not in self.request.POST]
        if unanswered:
            stored = self.for_editing(self.model._default_manager.get(pk=form.instance.pk))
            moved = services.moved_fields(stored, form.opened_values())
            raise services.Conflict(stored, list(dict.fromkeys([*unanswered, *moved])))
        return self.write(form)

    def write(self, form):
        """Writes what was typed over the record as it was opened; where a service does more, through that."""
        return services.save(
            form.instance,
            actor=self.request.user,
            reason=form.cleaned_data["reason"],
            opened=form.opened_values(),
        )

    def success_message(self, saved):
        return f"{capfirst(self.model._meta.verbose_name)} {saved} was saved. {self.after_saving}".strip()

    def title(self, obj):
        return f"Edit {obj}"

    def page_context(self, form):
        return {
            "form": form,
            "object": self.object,
            "page_title": self.title(self.as_stored() if form.is_bound else self.object),
            "crumbs": self.crumbs(),
            "submit": "Save",
            "cancel_url": self.url("detail", self.object),
        }

    def as_stored(self):
        """The record as it is called; a form that was checked has put into `object` what was typed."""
        return self.model._default_manager.filter(pk=self.kwargs["pk"]).first() or self.object

    def show(self, form, status=200):
        return self.render(self.page_context(form), status=status)

    def get_form(self, **kwargs):
        form = super().get_form(**kwargs)
        # From the conflict page: what shall stay as it is stored is not written.
        for name in form.own_fields():
            if form.is_bound and form.data.get(f"keep_{name}") == "theirs":
                del form.fields[name]
        return form

    def show_conflict(self, form, conflict):
        """The 409 page: what it was, what it is now, what was typed. Asks about fields that both changed."""
        rows = [row for name in form.own_fields() if (row := self.conflict_row(form, conflict, name))]
        form.data = form.data.copy()
        form.data["opened"] = form.sign(conflict.stored)
        columns = [column_of(self.model, name) for name in conflict.fields]
        hidden = [field for field in form if field.name != "reason"]
        context = {
            "object": conflict.stored,
            "event": last_change(conflict.stored, columns),
            "rows": sorted(rows, key=lambda row: KINDS.index(row["kind"])),
            "asks": any(row["conflict"] for row in rows),
            "form": form,
            "hidden": format_html_join("", "{}", ((field.as_hidden(),) for field in hidden)),
            "page_title": f"{conflict.stored} was changed meanwhile",
            "crumbs": self.crumbs(),
            "cancel_url": self.url("detail", conflict.stored),
        }
        return self.render(context, status=409, template="409.html")

    def conflict_row(self, form, conflict, name):
        """One field on the conflict page; None where nobody changed anything.

        `kind`: both changed it, only mine or theirs did, or both to the same value.
        """
        opened, current = form.opened_value(name), comparable(conflict.stored, name)
        mine = comparable(form.instance, name)
        if name not in conflict.fields:
            if mine == current:
                return None
            kind = "mine"
        elif mine == current:
            kind = "same"
        else:
            kind = "theirs" if opened == mine != current else "both"
        field = next((f for f in self.model._meta.concrete_fields if f.name == name), None)
        shown = [side(field, value) for value in (opened, current, mine)]
        return {
            "name": name,
            "label": form.fields[name].label,
            "kind": kind,
            "conflict": kind == "both",
            "opened": shown[0],
            "current": differences(shown[0], shown[1]),
            "mine": differences(shown[0], shown[2]),
        }


# The order of fields on the conflict page.
KINDS = ["both", "mine", "theirs", "same"]


def comparable(obj, name):
    """A field's value as the form carries it from its opening."""
    return json.loads(services.snapshot(obj, [name])[name])


def column_of(model, name):
    return next((field.column for field in model._meta.concrete_fields if field.name == name), name)
