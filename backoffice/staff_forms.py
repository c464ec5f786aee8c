"""Forms of staff accounts."""

from django import forms
from django.contrib.auth import password_validation
from django.contrib.auth.forms import SetPasswordMixin
from django.core import signing

from backoffice import staff
from backoffice.forms import ReasonForm, StaffForm
from backoffice.models import User
from backoffice.roles import ROLES
from backoffice.services import snapshot


class AccountForm(StaffForm):
    """An account with its role. One's own role and suspension are left out."""

    role = forms.ChoiceField(
        choices=[*((role, role) for role in ROLES), (staff.NO_ROLE, staff.NO_ROLE)],
        help_text="Admins may do everything that anybody may, delete, and look after accounts.",
    )
    reason_required = True

    class Meta(StaffForm.Meta):
        model = User
        fields = ["email", "first_name", "last_name", "is_active"]
        labels = {"is_active": "Active"}
        help_texts = {"is_active": "A suspended account cannot sign in; what it did stays on record."}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial.setdefault("role", self.instance.role)

    @classmethod
    def left_out(cls, instance, actor):
        return ("role", "is_active") if instance.pk == actor.pk else ()

    def sign(self, instance):
        # The role is a property, not a column; two admins may change it at once all the same.
        return signing.dumps(snapshot(instance, self.own_fields()), salt="opened", compress=True)

    def _post_clean(self):
        super()._post_clean()
        if "role" in self.cleaned_data:
            self.instance.role = self.cleaned_data["role"]


class InviteForm(AccountForm):
    """A new account: its person sets the password."""

    field_order = ["email", "first_name", "last_name", "role", "reason"]

    class Meta(AccountForm.Meta):
        fields = ["email", "first_name", "last_name"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.order_fields(self.field_order)


class PasswordForm(SetPasswordMixin, ReasonForm):
    """Cleans to `password` and `reason`."""

    password1, password2 = SetPasswordMixin.create_password_fields()
    field_order = ["password1", "password2", "reason"]

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self):
        self.validate_passwords()
        self.validate_password_for_user(self.user)
        return {"password": self.cleaned_data.get("password1"), "reason": self.cleaned_data.get("reason")}


class FirstPasswordForm(SetPasswordMixin, forms.Form):
    """What an invited person types. Whether the code holds is the service's to say."""

    code = forms.CharField(
        max_length=100,
        label="Code of the invitation",
        help_text="The part of the link after the #. It is filled in by itself where the browser runs scripts.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "data-from-fragment": ""}
        ),
    )
    password1, password2 = SetPasswordMixin.create_password_fields()

    def clean(self):
        self.validate_passwords()
        return super().clean()

    def check_strength(self, user):
        """Raises ValidationError for a password that is too weak for this person."""
        password_validation.validate_password(self.cleaned_data["password1"], user)
