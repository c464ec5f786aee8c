"""Verbs on one agent: cloning, publishing, unpublishing."""

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect
from django.utils.text import get_text_list

from agents.models import Agent
from agents.validation import fault_of
from agents.versions import rows
from agents.versions.clone import LONGEST_NAME, clone_agent, copy_of, name_for_copy
from agents.versions.publish import hindrances, publish_agent, unpublish_agent
from backoffice import generic
from backoffice.forms import PickerField, ReasonForm
from tenants.models import Organization

NUMBERS_SHOWN = 10
COUNT_LIMIT = 1000


class CloneForm(ReasonForm):
    name = forms.CharField(max_length=LONGEST_NAME)
    organization = PickerField(
        queryset=Organization.objects.all(), help_text="The same, or another tenant's."
    )
    field_order = ["name", "organization", "reason"]

    def clean_name(self):
        if fault := fault_of(None, "name", self.cleaned_data["name"]):
            raise ValidationError(fault)
        return self.cleaned_data["name"]


class AgentClone(generic.ActionView):
    model = Agent
    queryset = Agent.objects.select_related("organization")
    action = "add"
    label = "Clone"
    icon = "copy-plus"
    service = staticmethod(clone_agent)
    form_class = CloneForm
    template_name = "agents/agent_clone.html"

    def deed(self):
        return "clone agents"

    def get_form(self, **kwargs):
        initial = {"name": name_for_copy(self.object), "organization": self.object.organization_id}
        return CloneForm(**{"initial": initial, **kwargs})

    def post(self, request, pk):
        if "_pick" in request.POST:
            form = self.get_form(initial=request.POST.dict())
            form.fields["organization"].widget.typed = request.POST.get("organization_search", "").strip()
            return self.show(form)
        return super().post(request, pk)

    def done(self, result):
        messages.success(
            self.request,
            f"{result} was made for {result.organization}, as a draft without secrets or numbers.",
        )
        return HttpResponseRedirect(result.get_absolute_url())

    def context(self):
        row = rows.stored_row(self.object.pk)
        numbers = self.object.phone_numbers.values("pk")[: COUNT_LIMIT + 1].count()
        return {"left_out": copy_of(row).left_out if row else [], "numbers": numbers, "most": COUNT_LIMIT}


class PublishPage(generic.ActionView):
    model = Agent
    template_name = "agents/agent_publish.html"

    def context(self):
        numbers = list(self.object.phone_numbers.order_by("e164")[: NUMBERS_SHOWN + 1])
        return {
            "hindrances": self.hindrances(),
            "numbers": numbers[:NUMBERS_SHOWN],
            "more_numbers": len(numbers) > NUMBERS_SHOWN,
        }

    def hindrances(self):
        """Why it cannot be done, in sentences."""
        return []


class AgentPublish(PublishPage):
    service = staticmethod(publish_agent)
    label = "Publish"
    icon = "rocket"
    explanation = (
        "Marks the agent as published and counts its version up, as the platform does. The runtime serves drafts too: "
        "what it answers does not change by this. A running backend takes it up when it reloads the agent."
    )
    success = "{object} was published. A running backend takes it up when it reloads the agent."

    @classmethod
    def applies_to(cls, obj):
        return not obj.is_published

    def hindrances(self):
        return hindrances(self.object)


class AgentPublishAgain(AgentPublish):
    """The button of one that is published already, for settings changed since; the page is the same."""

    label = "Publish again"

    @classmethod
    def applies_to(cls, obj):
        return bool(obj.is_published)


class AgentUnpublish(PublishPage):
    service = staticmethod(unpublish_agent)
    label = "Unpublish"
    icon = "eye-off"
    explanation = (
        "Marks the agent as a draft; its version stays. This switches nothing off: the runtime serves drafts too, in "
        "chat and on the phone. A running backend takes it up when it reloads the agent."
    )

    @classmethod
    def applies_to(cls, obj):
        return bool(obj.is_published)

    def done(self, result):
        numbers = [str(number) for number in result.phone_numbers.order_by("e164")[: NUMBERS_SHOWN + 1]]
        shown = get_text_list(numbers[:NUMBERS_SHOWN], "and") + (
            " and more" if len(numbers) > NUMBERS_SHOWN else ""
        )
        self.success = "{object} is a draft again. The runtime still serves it"
        self.success += f", also to calls on {shown}." if numbers else "."
        return super().done(result)
