import datetime
import re

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils import timezone

from backoffice.forms import REASON_HELP, PickerField, StaffForm
from tenants.care import check_snooze, colleagues
from tenants.models import Note, Organization, UserProfile
from tenants.services import find_logins

NO_LOGIN = (
    "No login has this mail or id. Make one in Supabase first: Authentication, Users, Add user; signing up makes "
    "a profile and an organization by itself."
)


class LoginField(forms.CharField):
    """A login, given by its mail or id. Cleans to services.Login, or None where it is optional and empty.

    Errors: no login, or several with this mail.
    """

    def __init__(self, **kwargs):
        super().__init__(
            label="Owner's login",
            max_length=255,
            help_text="Mail address or id of an existing login of the platform.",
            **kwargs,
        )

    def clean(self, value):
        text = super().clean(value)
        if not text:
            return None
        found = find_logins(text)
        if not found:
            raise ValidationError(NO_LOGIN)
        if len(found) > 1:
            ids = ", ".join(str(login.id) for login in found)
            raise ValidationError(f"Several logins have this mail; give one of the ids: {ids}.")
        return found[0]


class OrganizationAddForm(StaffForm):
    """A further organization for an existing login. Its balance begins at 0; credits are posted afterwards."""

    login = LoginField()

    class Meta(StaffForm.Meta):
        model = Organization
        fields = ["name"]

    def own_fields(self):
        return [name for name in super().own_fields() if name != "login"]

    def _post_clean(self):
        if login := self.cleaned_data.get("login"):
            self.instance.owner_id = login.id
        super()._post_clean()


class OrganizationForm(StaffForm):
    class Meta(StaffForm.Meta):
        model = Organization
        fields = ["name"]


PROFILE_FIELDS = ["email", "full_name", "company_name", "phone_number", "avatar_url"]
MONEY_FIELDS = list(UserProfile.field_permissions)


class UserProfileForm(StaffForm):
    class Meta(StaffForm.Meta):
        model = UserProfile
        fields = [*PROFILE_FIELDS, *MONEY_FIELDS]
        help_texts = {"email": "Only this copy changes: the log-in keeps its own mail address."}

    def clean_avatar_url(self):
        url = self.cleaned_data["avatar_url"]
        if url and "avatar_url" in self.changed_data and not url.lower().startswith(("https://", "http://")):
            raise ValidationError("An address begins with https:// or http://.")
        return url


class UserProfileAddForm(UserProfileForm):
    """A profile for a login that has none (its sign-up could not make one)."""

    login = LoginField()

    class Meta(UserProfileForm.Meta):
        pass

    field_order = ["login"]

    def own_fields(self):
        return [name for name in super().own_fields() if name != "login"]

    def clean_login(self):
        login = self.cleaned_data["login"]
        if UserProfile.objects.filter(pk=login.id).exists():
            raise ValidationError("This login has a profile already.")
        return login

    def _post_clean(self):
        if login := self.cleaned_data.get("login"):
            self.instance.pk = login.id
        super()._post_clean()


TICKET_NUMBER = re.compile(r"#?([A-Za-z0-9][\w.-]{0,59})", re.ASCII)
is_web_address = URLValidator(schemes=["http", "https"])


class LinesField(forms.CharField):
    """A text of several lines, whose length counts as it is stored: a browser sends two characters for a line break.

    Too long a text is refused, with all of it still there: a browser told of the limit would cut off what is pasted.
    """

    widget = forms.Textarea(attrs={"rows": 4})

    def widget_attrs(self, widget):
        return {}

    def to_python(self, value):
        value = super().to_python(value)
        return value.replace("\r\n", "\n") if isinstance(value, str) else value


class NoteForm(StaffForm):
    class Meta(StaffForm.Meta):
        model = Note
        fields = ["text", "ticket"]
        field_classes = {"text": LinesField}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["ticket"].help_text = (
            "Its number, or its address." if settings.TICKET_URL else "Its address, beginning with https://."
        )

    def clean_ticket(self):
        ticket = self.cleaned_data["ticket"].strip()
        if not ticket or "ticket" not in self.changed_data:
            return ticket
        if settings.TICKET_URL and (number := TICKET_NUMBER.fullmatch(ticket)):
            return number[1]
        try:
            is_web_address(ticket)
        except ValidationError:
            raise ValidationError(
                "Enter the ticket's number, or its address beginning with https:// or http://."
                if settings.TICKET_URL
                else "Enter the ticket's address, beginning with https:// or http://."
            ) from None
        if "@" in ticket.split("/")[2]:
            raise ValidationError("Leave the log-in out of the address.")
        return ticket


class NoteAddForm(NoteForm):
    class Meta(NoteForm.Meta):
        fields = ["organization", "text", "ticket"]


class QuickForm(forms.Form):
    """A reason if one wants to give one. `next` is the page to come back to."""

    reason = forms.CharField(
        required=False,
        max_length=500,
        help_text=REASON_HELP,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    next = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self):
        cleaned = super().clean()
        cleaned.pop("next", None)  # the page's business, not the service's
        return cleaned


class AssignForm(QuickForm):
    """`seen` is the id of who had the tenant on the page from which it was taken."""

    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)


class HandOverForm(AssignForm):
    to = PickerField(
        None,
        label="Colleague",
        error_messages={"invalid_choice": "Their role does not look after tenants, or they left."},
    )
    field_order = ["to"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = colleagues()
        self.fields["to"].offers = "colleagues"


MORNING = datetime.time(8)


def tomorrow():
    return timezone.localdate() + datetime.timedelta(days=1)


def next_monday():
    today = timezone.localdate()
    return today + datetime.timedelta(days=7 - today.weekday())


class SnoozeForm(QuickForm):
    """Cleans `until` to a time: a preset is the morning of a day in the reader's zone."""

    PRESETS = {"tomorrow": tomorrow, "monday": next_monday}

    until = forms.ChoiceField(
        choices=[
            ("tomorrow", "Tomorrow, 08:00"),
            ("monday", "Next Monday, 08:00"),
            ("custom", "Another time"),
        ],
        widget=forms.RadioSelect,
    )
    at = forms.DateTimeField(
        label="Date and time",
        required=False,
        help_text="For “another time”, in your time zone.",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    field_order = ["until", "at"]

    def clean(self):
        cleaned = super().clean()
        until = cleaned.get("until")
        if until in self.PRESETS:
            cleaned["until"] = timezone.make_aware(datetime.datetime.combine(self.PRESETS[until](), MORNING))
        elif until and "at" in cleaned:  # else it has an error already
            cleaned["until"] = cleaned["at"]
            if cleaned["at"] is None:
                self.add_error("at", "Enter a date and a time.")
            else:
                try:
                    check_snooze(cleaned["at"])
                except ValidationError as error:
                    self.add_error("at", error)
        cleaned.pop("at", None)
        return cleaned
