"""Reviewing a conversation, wherever it is shown: outcome, labels, notes.

Each verb is a form on the page of the conversation or in the queue of a sample. Sent by htmx it answers with that part
of the page alone, errors beside their fields; else it leads back, and a refused form is a page.
"""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import cached_property

from agents import review_forms as forms
from agents.conversations.reviews import (
    add_label,
    add_note,
    delete_note,
    edit_note,
    panel,
    remark_on_turn,
    remove_label,
    said_about,
    set_outcome,
)
from agents.conversations.turn_html import add_link, back_here
from agents.models import Conversation, Label, ReviewNote
from backoffice import generic

REVIEW = "agents.review_conversation"


class ReviewAction(generic.ActionView):
    """A verb of reviewing. `part` is the piece of the page that it changes."""

    model = Conversation
    queryset = Conversation.objects.select_related("organization")
    permission = REVIEW
    action = "review"  # not "change": nobody edits the list's rows
    template_name = "agents/review_action.html"
    part = ""

    def deed(self):
        return "review conversations"

    @property
    def conversation(self):
        return self.object

    def crumbs(self):
        page = self.conversation.get_absolute_url()
        return [("Conversations", reverse("agents:conversation_list")), (str(self.conversation), page)]

    @property
    def is_fragment(self):
        return bool(self.request.htmx) and not self.request.htmx.history_restore_request

    def get_form(self, **kwargs):
        return super().get_form(
            initial={**self.initial(), "next": self.request.GET.get("next", "")}, **kwargs
        )

    def initial(self):
        return {}

    def arguments(self, form):
        return form.values()

    @property
    def key(self):
        """The turn that it is about, "" for the conversation as a whole."""
        return (self.request.POST.get("turn") or self.request.GET.get("turn") or "")[:40]

    def context(self):
        title = f"{self.label}: {self.conversation}" if self.conversation else self.label
        offered = Label.objects.filter(is_retired=False) if "label" in self.form_class.base_fields else []
        return {"cancel_url": self.success_url(), "page_title": title, "offered": offered}

    def success_url(self):
        anchor = f"#t-{self.key}" if self.key else "#review"
        return generic.safe_next(self.request, self.conversation.get_absolute_url()) + anchor

    def done(self, result):
        if self.is_fragment:
            return self.fragment(None)
        messages.success(self.request, self.success)
        return HttpResponseRedirect(self.success_url())

    def show(self, form, status=200):
        return self.fragment(form, status) if self.is_fragment else super().show(form, status)

    def fragment(self, form, status=200):
        """The part as it is now; with a refused form, as it was typed."""
        review = panel(self.conversation, self.request.user)
        context = {
            "review": review,
            "part": "agents/turn_review.html" if self.key else self.part,
            "refused": form if form and form.is_bound else None,
            "key": self.key,
            "said": review["turns"].get(self.key),
            "add_link": add_link(review, self.key, back_here(self.request)),
            **self.of_part(form),
        }
        return render(self.request, "agents/review_part.html", context, status=status)

    def of_part(self, form):
        return {}


class ReviewOutcome(ReviewAction):
    service = staticmethod(set_outcome)
    form_class = forms.OutcomeForm
    part = "agents/review_outcome.html"
    label = "Outcome"
    success = "The outcome was saved."

    def initial(self):
        review = self.object.outcome or ""
        return {"outcome": review, "seen": review}


class ReviewLabel(ReviewAction):
    service = staticmethod(add_label)
    form_class = forms.LabelForm
    part = "agents/review_labels.html"
    label = "Add label"
    success = "The label was added."


class ReviewLabelOff(ReviewAction):
    service = staticmethod(remove_label)
    form_class = forms.LabelOffForm
    part = "agents/review_labels.html"
    label = "Take label off"
    success = "The label was taken off."

    def initial(self):
        return {"turn": self.request.GET.get("turn", ""), "label": self.request.GET.get("label", "")}


class ReviewNoteAdd(ReviewAction):
    service = staticmethod(add_note)
    form_class = forms.NoteForm
    part = "agents/review_notes.html"
    label = "Add note"
    success = "The note was added."


class ReviewTurn(ReviewAction):
    """A label or a note on one turn: the form in its place, and what is said about the turn."""

    service = staticmethod(remark_on_turn)
    form_class = forms.TurnForm
    label = "Label or note on this turn"
    success = "It was added to the turn."

    def initial(self):
        return {"turn": self.key}

    def of_part(self, form):
        return {"turn_form": None if "shown" in self.request.GET else form}


class OwnNote(ReviewAction):
    """A verb on a note, for whoever wrote it and for admins."""

    model = ReviewNote
    queryset = None
    part = "agents/review_notes.html"

    def dispatch(self, request, *args, **kwargs):
        if self.may_open(request.user) and not self.object.may_be_changed_by(request.user):
            raise PermissionDenied(
                "A note is changed and deleted by whoever wrote it, and by admins; "
                f"this one is by {self.object.author_name}."
            )
        return super().dispatch(request, *args, **kwargs)

    @cached_property
    def conversation(self):
        return said_about(Conversation, self.object).select_related("organization").first()

    def crumbs(self):
        return super().crumbs() if self.conversation else []

    def success_url(self):
        if self.conversation is None:
            return reverse("agents:conversation_list")
        return super().success_url()


class ReviewNoteEdit(OwnNote):
    service = staticmethod(edit_note)
    form_class = forms.NoteEditForm
    label = "Edit note"
    success = "The note was saved."

    def initial(self):
        return {"text": self.object.text, "seen": self.object.text}


class ReviewNoteDelete(OwnNote):
    service = staticmethod(delete_note)
    form_class = forms.NoteOffForm
    label = "Delete note"
    icon = "trash-2"
    danger = True
    explanation = "What it said stays in the audit."
    success = "The note was deleted."
