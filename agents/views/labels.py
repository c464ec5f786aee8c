from django.urls import reverse
from django.utils.html import format_html

from agents.conversations.labels import UseCount, delete_label, restore_label, retire_label, use_words
from agents.filters import LabelFilter
from agents.models import Label
from agents.review_forms import LabelRecordForm
from agents.tables import LabelTable
from backoffice import generic, keyset
from backoffice.templatetags import ui


class LabelList(generic.ListView):
    model = Label
    queryset = Label.objects.annotate(uses_count=UseCount())
    table_class = LabelTable
    filterset_class = LabelFilter
    orders = {"name": generic.Order(keyset.F("name"), rises_first=True)}
    note = "Words by which reviewers sort conversations and their turns."
    nothing_yet = "Labels are words such as “wrong number” or “asked for a person”."


class LabelDetail(generic.DetailView):
    model = Label
    fields = ["name", "tone", "meaning", "uses", "is_retired", "created_at", "id"]

    def show_uses(self, label):
        """A link to the conversations, for those who may see them."""
        words = use_words(label)
        if not words:
            return "Uses", ui.missing("", "none")
        url = f"{reverse('agents:conversation_list')}?label={label.pk}"
        return "Uses", format_html('<a href="{}">{}</a>', url, words)

    def actions(self):
        return [("agents:label_retire", LabelRetire), ("agents:label_restore", LabelRestore)]


class LabelCreate(generic.CreateView):
    model = Label
    form_class = LabelRecordForm


class LabelUpdate(generic.UpdateView):
    model = Label
    form_class = LabelRecordForm


class LabelRetire(generic.ActionView):
    model = Label
    service = staticmethod(retire_label)
    label = "Retire"
    icon = "archive"
    explanation = "It is not offered any more. Where it stands it stays, and lists are still filtered by it."
    success = "{object} was retired."

    @classmethod
    def applies_to(cls, label):
        return not label.is_retired


class LabelRestore(generic.ActionView):
    model = Label
    service = staticmethod(restore_label)
    label = "Offer again"
    icon = "archive-restore"
    success = "{object} is offered again."

    @classmethod
    def applies_to(cls, label):
        return label.is_retired


class LabelDelete(generic.DeleteView):
    """Only what stands nowhere is deleted; a label that is used is retired."""

    model = Label
    service = staticmethod(delete_label)

    def context(self):
        uses = use_words(self.object)
        return {"blockers": [uses] if uses else []}
