import re

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError

from backoffice.forms import ReasonForm, StaffForm
from telephony.models import CallLog, PhoneNumber, SipTrunk


def to_e164(text):
    """A number as typed, in E.164. Raises ValidationError if it has no country code or cannot be dialled."""
    try:
        number = phonenumbers.parse(re.sub(r"^00", "+", text.strip()), None)
    except phonenumbers.NumberParseException:
        raise ValidationError("Give the number with its country code, such as +1 415 555 0100.") from None
    if not phonenumbers.is_possible_number(number):
        raise ValidationError("No telephone number has this many digits in that country.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class PhoneNumberForm(StaffForm):
    class Meta(StaffForm.Meta):
        model = PhoneNumber
        fields = ["e164", "organization", "agent", "provider", "provider_sid"]

    def clean_e164(self):
        typed = self.cleaned_data["e164"]
        if "e164" in self.changed_data or self.instance._state.adding:
            return to_e164(typed)
        return typed

    def clean(self):
        cleaned = super().clean()
        agent = cleaned.get("agent") if "agent" in self.fields else self.instance.agent
        # A form of one field, or one that leaves the other as it is stored, is held to the same rule.
        organization = (
            cleaned.get("organization") if "organization" in self.fields else self.instance.organization
        )
        touched = {"agent", "organization"} & set(self.changed_data)
        if agent and organization and touched and agent.organization_id != organization.pk:
            field = "agent" if "agent" in self.fields else "organization"
            self.add_error(field, f"{agent} belongs to another organization ({agent.organization}).")
        return cleaned


class SipTrunkForm(StaffForm):
    class Meta(StaffForm.Meta):
        model = SipTrunk
        fields = ["organization", "provider", "sip_domain", "username"]

    def clean_sip_domain(self):
        domain = self.cleaned_data["sip_domain"]
        if (
            domain
            and "sip_domain" in self.changed_data
            and not re.fullmatch(
                r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]+)*(:\d{1,5})?", domain
            )
        ):
            raise ValidationError("A domain looks like sip.example.net, without sip: or a path.")
        return domain


class TrunkPasswordForm(ReasonForm):
    password = forms.CharField(
        max_length=500,
        strip=False,
        help_text="It is written, and cannot be read again by anybody here.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    field_order = ["password", "reason"]


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
