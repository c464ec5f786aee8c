"""Forms of signing in: allauth's, in our words and with our throttle."""

import struct
from contextlib import contextmanager

from allauth.account import forms as account
from allauth.account.internal.flows.password_reset import request_password_reset
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as base
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms as webauthn
from allauth.mfa.webauthn.internal import auth
from cryptography.exceptions import InvalidSignature
from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput

from backoffice.models import SignIn, User
from backoffice.sign_in import events, mails, throttle
from backoffice.sign_in.factors import is_first_use

MALFORMED = (
    LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError, InvalidSignature, struct.error
)  # fmt: skip
CODE_HELP = "Six digits from your authenticator app, or one of your recovery codes."


class CodeMixin:
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        field = self.fields["code"]
        field.help_text = CODE_HELP
        field.widget = forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
        )

    def clean_code(self):
        """As allauth's, with a count per account and place (throttle.bucket), and kept as a sign-in that failed."""
        request = context.request
        key = throttle.bucket(request, self.user.email)
        tried = throttle.consume(request, "factor_failed", key)
        if not tried:
            raise throttle.refusal(request, "factor_failed", key, SignIn.Method.CODE, self.user)
        code = self.cleaned_data["code"]
        for factor in Authenticator.objects.filter(user=self.user).exclude(type=Authenticator.Type.WEBAUTHN):
            is_app = factor.type == Authenticator.Type.TOTP
            if factor.wrap().validate_code(code) and (not is_app or is_first_use(self.user, code)):
                factor.user = self.user
                self.authenticator = factor
                tried.rollback()
                return code
        events.record(request, SignIn.Kind.REFUSED, SignIn.Method.CODE, user=self.user)
        raise get_adapter().validation_error("incorrect_code")


class AuthenticateForm(CodeMixin, base.AuthenticateForm):
    pass


class ReauthenticateForm(CodeMixin, base.ReauthenticateForm):
    pass


class CredentialField(forms.JSONField):
    """What the browser says of a passkey, which may be anything; it is never sent back."""

    def to_python(self, value):
        try:
            return super().to_python(value)
        except RecursionError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None

    def bound_data(self, data, initial):
        return InvalidJSONInput()


@contextmanager
def readable():
    """What no browser says of a passkey, or what its key did not sign, is a wrong answer and no fault of ours."""
    try:
        yield
    except MALFORMED:
        raise get_adapter().validation_error("incorrect_code") from None


class PasskeyMixin(forms.Form):
    """Not counted: a passkey cannot be guessed, and whoever has but the password must not use up the person's tries."""

    credential = CredentialField(widget=forms.HiddenInput)

    def clean_credential(self):
        credential = self.cleaned_data["credential"]
        try:
            with readable():
                auth.parse_authentication_response(credential)
                return auth.complete_authentication(
                    self.user or auth.extract_user_from_response(credential), credential
                )
        except ValidationError:
            if self.user:
                events.record(context.request, SignIn.Kind.REFUSED, SignIn.Method.PASSKEY, user=self.user)
            raise


class SignInPasskeyForm(PasskeyMixin, webauthn.LoginWebAuthnForm):
    """Who it is, the passkey says."""


class AuthenticatePasskeyForm(PasskeyMixin, webauthn.AuthenticateWebAuthnForm):
    pass


class ReauthenticatePasskeyForm(PasskeyMixin, webauthn.ReauthenticateWebAuthnForm):
    pass


class ResetPasswordForm(account.ResetPasswordForm):
    """Does the same, in the same time, whether or not there is an account; the mail is written after the answer."""

    def save(self, request, **kwargs):
        email = User.objects.normalize_email(self.cleaned_data["email"])
        user = next(iter(self.users), None)
        events.record(request, SignIn.Kind.RESET, SignIn.Method.MAIL, user=user, typed=email)
        # Whoever never had a password gets the first one from an admin: an invitation that was withdrawn stays so.
        may_reset = user is not None and user.has_usable_password()
        if throttle.consume(request, "reset_mail", email) and may_reset:
            generator = kwargs.get("token_generator")
            mails.later(request_password_reset, request, user.email, [user], generator)
        return email


class AddPasskeyForm(webauthn.AddWebAuthnForm):
    credential = CredentialField(widget=forms.HiddenInput)

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

    def clean(self):
        with readable():
            return super().clean()

    def clean_name(self):
        name = super().clean_name()
        if len(name) > 60:
            raise ValidationError("A name has 60 characters at the most.")
        return name
