"""Forms of the second factor: allauth's, in our words and with our throttle."""

from allauth.mfa.base import forms as base
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.core.exceptions import ValidationError

CODE_HELP = "Six digits from your authenticator app, or one of your recovery codes."


class CodeMixin:
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        field = self.fields["code"]
        field.help_text = CODE_HELP
        field.widget = forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
        )


class AuthenticateForm(CodeMixin, base.AuthenticateForm):
    pass


class ReauthenticateForm(CodeMixin, base.ReauthenticateForm):
    pass


class AddPasskeyForm(webauthn.AddWebAuthnForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        name = self.fields["name"]
        name.help_text = "How you know it: the phone, laptop or key it is on."
        name.max_length = 60
        name.widget.attrs["maxlength"] = 60
        alone = self.fields["passwordless"]
        alone.label = "Sign in with it alone, without the password"
        alone.help_text = (
            "The device then asks for a fingerprint, face or PIN. Leave it off for keys without one."
        )
        alone.initial = True

    def clean_name(self):
        name = super().clean_name()
        if len(name) > 60:
            raise ValidationError("A name has 60 characters at the most.")
        return name
