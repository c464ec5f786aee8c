from django.core.exceptions import PermissionDenied
from django.utils.html import format_html

from backoffice import display, generic, keyset
from backoffice.forms import ReasonForm
from backoffice.templatetags import ui
from tenants import forms
from tenants.filters import NoteFilter
from tenants.models import Note
from tenants.notes import add_note, delete_note, edit_note, pin_note, unpin_note
from tenants.tables import NoteTable
from tenants.views.quick import QuickAction


class NoteList(generic.ListView):
    model = Note
    queryset = Note.objects.select_related("organization")
    table_class = NoteTable
    filterset_class = NoteFilter
    orders = {"created": generic.Order(keyset.F("created_at"), by_time=True)}


class NoteDetail(generic.DetailView):
    model = Note
    queryset = Note.objects.select_related("organization")
    fields = [
        "organization",
        "text",
        "ticket",
        "author_name",
        "created_at",
        "edited_at",
        "pinned_at",
        "id",
    ]

    def may_edit(self):
        return self.object.may_be_changed_by(self.request.user)

    def extra_context(self):
        return {"delete_url": self.url("delete", self.object) if self.may_edit() else ""}

    def actions(self):
        return [("tenants:note_pin", NotePin), ("tenants:note_unpin", NoteUnpin)]

    def show_organization(self, note):
        if note.organization is None:
            return "Tenant", f"{note.organization_name} (closed)"
        return "Tenant", display.present(note, "organization", self.request.user)["value"]

    def show_text(self, note):
        return "Note", format_html('<div class="prose" dir="auto">{}</div>', ui.linked(note.text))

    def show_ticket(self, note):
        return "Ticket", ui.web_link(note.ticket_url, note.ticket) if note.ticket else ui.missing("", "none")


class NoteCreate(generic.CreateView):
    """Also where the form on a tenant's page sends to; it comes back to that page."""

    model = Note
    form_class = forms.NoteAddForm

    def save(self, form):
        return add_note(form.instance, actor=self.request.user, reason=form.cleaned_data["reason"])

    def success_url(self, saved):
        return generic.safe_next(self.request, saved.get_absolute_url())


class OwnNote:
    """For pages that only who wrote the note, and admins, may open."""

    permission = "tenants.change_note"

    def dispatch(self, request, *args, **kwargs):
        if self.may_open(request.user) and not self.object.may_be_changed_by(request.user):
            raise PermissionDenied(
                "A note is changed and deleted by whoever wrote it, and by admins; "
                f"this one is by {self.object.author_name}."
            )
        return super().dispatch(request, *args, **kwargs)


class NoteUpdate(OwnNote, generic.UpdateView):
    model = Note
    form_class = forms.NoteForm

    def write(self, form):
        return edit_note(
            form.instance,
            actor=self.request.user,
            reason=form.cleaned_data["reason"],
            opened=form.opened_values(),
        )


class NoteDelete(OwnNote, generic.ActionView):
    model = Note
    action = "delete"
    service = staticmethod(delete_note)
    form_class = ReasonForm
    label = "Delete"
    icon = "trash-2"
    danger = True
    explanation = "It goes from the tenant's page and from search. What it said stays in the audit."
    success = "The note was deleted."

    def success_url(self):
        organization = self.object.organization
        return organization.get_absolute_url() if organization else self.url("list")


class NotePin(QuickAction):
    model = Note
    service = staticmethod(pin_note)
    label = "Pin"
    icon = "pin"
    success = "The note was pinned."
    undo = "tenants:note_unpin"

    @classmethod
    def applies_to(cls, note):
        return note.pinned_at is None


class NoteUnpin(QuickAction):
    model = Note
    service = staticmethod(unpin_note)
    label = "Unpin"
    icon = "pin-off"
    success = "The note was unpinned."
    undo = "tenants:note_pin"

    @classmethod
    def applies_to(cls, note):
        return note.pinned_at is not None
