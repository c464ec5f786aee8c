"""Moving a number to another tenant, in two steps: choose, and confirm what it means."""

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect

from agents.models import Agent
from backoffice import generic
from backoffice.audit import undo_tag
from backoffice.forms import PickerField, ReasonForm
from telephony.models import PhoneNumber
from telephony.moving import COUNT_LIMIT, DAYS, ReviewChanged, move_number, review
from tenants.models import Organization


class NewTenantForm(forms.Form):
    """Where to, who answers there, and whether calls are answered at all."""

    organization = PickerField(queryset=Organization.objects.all(), label="New organization")
    agent = PickerField(
        queryset=Agent.objects.select_related("organization"),
        required=False,
        help_text="Who answers from then on: an agent of the new organization. None: calls get 404.",
    )
    activate = forms.BooleanField(
        required=False,
        label="Active at the new organization",
        help_text="Not ticked: it is moved as released, and calls get 404 until it is reactivated.",
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        chosen = self.data.get("organization") if self.is_bound else self.initial.get("organization")
        self.fields["agent"].offer_within("organization", chosen)
        self.fields["agent"].beside = True

    def clean(self):
        cleaned = super().clean()
        agent, organization = cleaned.get("agent"), cleaned.get("organization")
        if agent and organization and agent.organization_id != organization.pk:
            self.add_error("agent", f"{agent} belongs to another organization ({agent.organization}).")
        return cleaned


class ConfirmMoveForm(ReasonForm):
    """The confirmation: what was chosen, what was reviewed (signed), and why."""

    organization = forms.ModelChoiceField(queryset=Organization.objects.all(), widget=forms.HiddenInput)
    agent = forms.ModelChoiceField(
        queryset=Agent.objects.select_related("organization"), required=False, widget=forms.HiddenInput
    )
    activate = forms.BooleanField(required=False, widget=forms.HiddenInput)
    reviewed = forms.CharField(widget=forms.HiddenInput)

    def clean_reviewed(self):
        try:
            return signing.loads(self.cleaned_data["reviewed"], salt="move number")
        except signing.BadSignature:
            raise ValidationError("This review is out of date. Begin again.") from None

    @property
    def chosen(self):
        return {name: self.cleaned_data[name] for name in ("organization", "agent", "activate")}


class PhoneNumberMove(generic.ObjectPage):
    """GET chooses; with ?organization= and "review" it reviews. POST moves what was reviewed, or reviews again."""

    model = PhoneNumber
    queryset = PhoneNumber.objects.select_related("organization", "agent")
    action = "change"
    page = "move"
    label = "Move to another tenant"
    icon = "arrow-right-left"

    @classmethod
    def applies_to(cls, obj):
        return True

    def get(self, request, pk):
        if "review" not in request.GET or "_pick" in request.GET:
            return self.choose(self.chooser())
        form = NewTenantForm(request.GET)
        if not form.is_valid():
            return self.choose(form, status=422)
        try:
            found = review(self.object, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
            return self.choose(form, status=422)
        return self.confirm(found, self.fresh_form(found, request.GET.get("reason", "")))

    def chooser(self):
        """The form as chosen so far, with what a picker's plain search found. Active stays active."""
        data = self.request.GET
        is_active = "activate" in data if "_pick" in data else self.object.is_active
        names = ("organization", "agent")
        form = NewTenantForm(initial={name: data.get(name, "") for name in names} | {"activate": is_active})
        for name in names:
            if data.get("_pick") == name:
                form.fields[name].widget.typed = data.get(f"{name}_search", "").strip()
        return form

    def post(self, request, pk):
        form = ConfirmMoveForm(request.POST)
        if not form.is_valid():
            if form.errors.keys() - {"reason"}:
                form.add_error(None, "Choose the new organization again.")
                return self.choose(self.chooser(), status=422, refused=form)
            try:
                found = review(self.object, **form.chosen)
            except ValidationError as error:
                return self.refuse(error)
            return self.confirm(found, form, status=422)
        reason = form.cleaned_data["reason"]
        try:
            moved = move_number(
                self.object,
                actor=request.user,
                reason=reason,
                facts=form.cleaned_data["reviewed"],
                **form.chosen,
            )
        except ReviewChanged as changed:
            return self.confirm(
                changed.review, self.fresh_form(changed.review, reason), status=409, changed=True
            )
        except ValidationError as error:
            return self.refuse(error)
        text = f"{moved} belongs to {moved.organization} now."
        messages.success(request, text, extra_tags=undo_tag(moved, request.user))
        return HttpResponseRedirect(moved.get_absolute_url())

    def refuse(self, error):
        refused = ConfirmMoveForm(self.request.POST)
        refused.add_error(None, error)
        return self.choose(self.chooser(), status=422, refused=refused)

    def fresh_form(self, found, reason):
        return ConfirmMoveForm(
            initial={
                "organization": found.new.id,
                "agent": found.new_agent[0] if found.new_agent else "",
                "activate": "on" if found.new_status == PhoneNumber.Status.ACTIVE else "",
                "reviewed": signing.dumps(found.facts, salt="move number", compress=True),
                "reason": reason,
            }
        )

    def choose(self, form, status=200, refused=None):
        return self.show({"form": form, "refused": refused}, status)

    def confirm(self, found, form, status=200, changed=False):
        context = {"form": form, "review": found, "changed": changed, "most": COUNT_LIMIT, "days": DAYS}
        return self.show(context | {"again_url": self.request.path}, status)

    def show(self, context, status):
        context |= {
            "object": self.object,
            "page_title": f"Move {self.object} to another tenant",
            "crumbs": self.crumbs(),
            "cancel_url": self.url("detail", self.object),
        }
        return self.render(context, status=status)
