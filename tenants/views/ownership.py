"""Moving an organization to another owner, in two steps: choose, and confirm what it means."""

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect

from backoffice import generic
from backoffice.audit import undo_tag
from backoffice.forms import PickerField, ReasonForm
from tenants.forms import LoginField
from tenants.models import Organization, UserProfile
from tenants.ownership import COUNT_LIMIT, OTHERS, ReviewChanged, move_organization, review


class NewOwnerForm(forms.Form):
    """The new owner, by login or by profile. Cleans to `login_id`."""

    login = LoginField(required=False)
    profile = PickerField(queryset=UserProfile.objects.all(), required=False, label="Or their profile")

    def clean(self):
        cleaned = super().clean()
        login, profile = cleaned.get("login"), cleaned.get("profile")
        if login and profile and login.id != profile.pk:
            raise ValidationError("The login and the profile are two different people: give one of them.")
        if not self.errors and not login and not profile:
            raise ValidationError("Give a login, or choose a profile.")
        cleaned["login_id"] = login.id if login else profile and profile.pk
        return cleaned


class MoveForm(ReasonForm):
    """The confirmation: who, what was reviewed (signed), and why."""

    login_id = forms.UUIDField(widget=forms.HiddenInput)
    reviewed = forms.CharField(widget=forms.HiddenInput)

    def clean_reviewed(self):
        try:
            return signing.loads(self.cleaned_data["reviewed"], salt="owner")
        except signing.BadSignature:
            raise ValidationError("This review is out of date. Begin again.") from None


class OrganizationOwner(generic.ObjectPage):
    """GET chooses; with ?login= or ?profile= it reviews. POST moves what was reviewed, or reviews again."""

    model = Organization
    queryset = Organization.objects.select_related("owner")
    action = "change"
    page = "owner"

    def get(self, request, pk):
        if (not request.GET.get("login") and not request.GET.get("profile")) or "_pick" in request.GET:
            return self.choose(self.chooser())
        form = NewOwnerForm(request.GET)
        if not form.is_valid():
            return self.choose(form, status=422)
        try:
            found = review(self.object, form.cleaned_data["login_id"])
        except ValidationError as error:
            form.add_error(None, error)
            return self.choose(form, status=422)
        return self.confirm(found, self.fresh_form(found, request.GET.get("reason", "")))

    def chooser(self):
        """The form as typed so far, with what the picker's plain search found."""
        data = self.request.GET
        form = NewOwnerForm(initial={name: data.get(name, "") for name in ("login", "profile")})
        form.fields["profile"].widget.typed = data.get("profile_search", "").strip()
        return form

    def post(self, request, pk):
        form = MoveForm(request.POST)
        if not form.is_valid():
            if form.errors.keys() & {"login_id", "reviewed"}:
                form.add_error(None, "Choose the new owner again.")
                return self.choose(self.chooser(), status=422, refused=form)
            try:
                found = review(self.object, form.cleaned_data["login_id"])
            except ValidationError as error:
                return self.refuse(error)
            return self.confirm(found, form, status=422)
        login_id, reason = form.cleaned_data["login_id"], form.cleaned_data["reason"]
        try:
            moved = move_organization(
                self.object,
                actor=request.user,
                reason=reason,
                login_id=login_id,
                facts=form.cleaned_data["reviewed"],
            )
        except ReviewChanged as changed:
            form = self.fresh_form(changed.review, reason)
            return self.confirm(changed.review, form, status=409, changed=True)
        except ValidationError as error:
            return self.refuse(error)
        messages.success(request, f"{moved} has another owner now.", extra_tags=undo_tag(moved, request.user))
        return HttpResponseRedirect(moved.get_absolute_url())

    def refuse(self, error):
        refused = MoveForm(self.request.POST)
        refused.add_error(None, error)
        return self.choose(self.chooser(), status=422, refused=refused)

    def fresh_form(self, found, reason):
        return MoveForm(
            initial={
                "login_id": found.new.id,
                "reviewed": signing.dumps(found.facts, salt="owner", compress=True),
                "reason": reason,
            }
        )

    def choose(self, form, status=200, refused=None):
        context = {"form": form, "refused": refused, "cancel_url": self.url("detail", self.object)}
        return self.show(context, status)

    def confirm(self, found, form, status=200, changed=False):
        context = {
            "form": form,
            "review": found,
            "changed": changed,
            "most": COUNT_LIMIT,
            "most_others": OTHERS,
            "again_url": self.request.path,
            "cancel_url": self.url("detail", self.object),
        }
        return self.show(context, status)

    def show(self, context, status):
        context |= {
            "object": self.object,
            "page_title": f"Move {self.object} to another owner",
            "crumbs": self.crumbs(),
        }
        return self.render(context, status=status)
