from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.html import format_html

from backoffice.forms import ReasonForm, StaffForm
from telephony.dialling import read_number, region_of
from telephony.models import CallLog, PhoneNumber, SipTrunk
from telephony.trunks import LONGEST_PASSWORD, SHORTEST_PASSWORD, check_domain, check_password, check_username


class PhoneNumberForm(StaffForm):
    """A number of a tenant. `understood` says afterwards how it was read, where it was typed anew."""

    country = forms.CharField(
        required=False,
        max_length=8,
        label="Country of the number",
        help_text="Only for a number typed without a country code: two letters, such as GB, or the code, such as +44.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "size": 8}),
    )
    field_order = ["e164", "country"]
    understood = ""

    class Meta(StaffForm.Meta):
        model = PhoneNumber
        fields = ["e164", "organization", "agent", "provider", "provider_sid"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "country" in self.fields:
            self.fields["country"].initial = settings.PHONE_DEFAULT_REGION
        if "agent" in self.fields:
            self.fields["agent"].offer_within("organization", self.organization_id())
            self.fields["agent"].beside = "organization" in self.fields

    def own_fields(self):
        return [name for name in super().own_fields() if name != "country"]

    def organization_id(self):
        """The tenant whose agents are offered: as chosen so far, or as stored."""
        if "organization" in self.fields:
            chosen = self["organization"].data if self.is_bound else self.initial.get("organization")
            return getattr(chosen, "pk", chosen) or None
        return self.instance.organization_id

    def clean_country(self):
        typed = self.cleaned_data["country"]
        return region_of(typed) if typed.strip() else ""

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("e164") and "country" in cleaned and ("e164" in self.changed_data or self.is_new()):
            try:
                cleaned["e164"] = self.read_typed(cleaned["e164"], cleaned["country"])
            except ValidationError as error:
                self.add_error("e164", error)
        agent = cleaned.get("agent") if "agent" in self.fields else self.instance.agent
        # A form of one field, or one that leaves the other as it is stored, is held to the same rule.
        organization = (
            cleaned.get("organization") if "organization" in self.fields else self.instance.organization
        )
        touched = {"agent", "organization"} & set(self.changed_data)
        if agent and organization and touched and agent.organization_id != organization.pk:
            field = "agent" if "agent" in self.fields else "organization"
            self.add_error(field, f"{agent} belongs to another organization ({agent.organization}).")
        if self.understood and self.errors:  # it is shown again, for something else
            self["e164"].help_text = self.understood
        return cleaned

    def is_new(self):
        return self.instance._state.adding

    def read_typed(self, typed, region):
        """The number in E.164. Raises ValidationError where it is none, or another row holds the same digits."""
        reading = read_number(typed, region)
        others = PhoneNumber.objects.select_related("organization").exclude(pk=self.instance.pk)
        for other in others.same_digits_as(reading.e164):
            raise ValidationError(taken(other, reading, str(self.organization_id())))
        self.understood = reading.text
        return reading.e164


class PhoneNumberEditForm(PhoneNumberForm):
    """Without the organization: a number is moved to another one on a page of its own."""

    class Meta(PhoneNumberForm.Meta):
        fields = ["e164", "agent", "provider", "provider_sid"]


def taken(other, reading, organization_id):
    """Why a number cannot be stored for a tenant: the row that holds its digits, with the way to it."""
    row = format_html('<a href="{}">{}</a>', other.get_absolute_url(), other.e164)
    if other.e164 == reading.e164:
        words = "{} already exists: {} has it{}."
        if str(other.organization_id) != organization_id:
            words += " A number of another organization is moved, not added again."
        status = "" if other.is_active else f" (status {other.status or 'not set'})"
        return format_html(words, row, other.organization, status)
    words = "The same digits exist already in another form: “{}” of {}. Correct that one instead."
    return format_html(words, row, other.organization)


class SipTrunkForm(StaffForm):
    class Meta(StaffForm.Meta):
        model = SipTrunk
        fields = ["organization", "provider", "sip_domain", "username"]

    def clean_sip_domain(self):
        return self.checked("sip_domain", check_domain)

    def clean_username(self):
        return self.checked("username", check_username)

    def checked(self, name, check):
        """What was typed, checked where it is another text than the stored one."""
        typed = self.cleaned_data[name]
        if typed and name in self.changed_data:
            check(typed)
        return typed


class TrunkPasswordForm(ReasonForm):
    password = forms.CharField(
        max_length=LONGEST_PASSWORD,
        strip=False,
        help_text=f"{SHORTEST_PASSWORD} characters or more. It is written, and cannot be read again by anybody here.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    field_order = ["password", "reason"]

    def __init__(self, *args, trunk, **kwargs):
        super().__init__(*args, **kwargs)
        self.trunk = trunk

    def clean_password(self):
        check_password(self.cleaned_data["password"], self.trunk)
        return self.cleaned_data["password"]


class CorrectCallForm(StaffForm):
    """What the platform never finalises. Needs its own permission, not that of changing calls."""

    reason_required = True

    class Meta(StaffForm.Meta):
        model = CallLog
        fields = ["duration_seconds", "cost", "status"]

    def clean(self):
        cleaned = super().clean()
        for name in ("duration_seconds", "cost"):
            if name in self.changed_data and (cleaned.get(name) or 0) < 0:
                self.add_error(name, "It cannot be negative.")
        if not self.errors and not {"duration_seconds", "cost", "status"} & set(self.changed_data):
            raise ValidationError("Nothing would change.")
        return cleaned
