from django import forms
from django.core.exceptions import ValidationError

from agents import raw
from backoffice.forms import REASON_HELP
from backoffice.services import Conflict


class RawForm(forms.Form):
    """The whole configuration as text. `typed` is what it says; `change` what it changes, with the secrets back in.

    A reason is asked for when it is saved, not for a look at the changes.
    """

    text = forms.CharField(
        label="Configuration",
        strip=False,
        error_messages={"required": raw.EMPTY},
        widget=forms.Textarea(
            attrs={"rows": 28, "spellcheck": "false", "autocomplete": "off", "class": "mono"}
        ),
        help_text="[secret] keeps the secret that is stored at that place; type over it to replace it.",
    )
    reason = forms.CharField(
        required=False,
        max_length=500,
        help_text=REASON_HELP,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    opened = forms.CharField(widget=forms.HiddenInput, required=False)
    reviewed = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args, agent, saves=False, **kwargs):
        super().__init__(*args, **kwargs)
        self.agent = agent
        self.typed = self.change = None
        self.fields["reason"].required = saves

    def clean_text(self):
        text = self.cleaned_data["text"]
        try:
            self.typed = raw.parse(text)
            self.change = raw.change_to(self.agent, self.typed)
        except raw.Faults as faults:
            raise ValidationError(faults.messages) from None
        if not self.change:
            raise ValidationError("Nothing would change.")
        return text

    def clean(self):
        if not self.data.get("opened"):
            raise ValidationError("This form is out of date. Open the record again.")
        return super().clean()

    def check_version(self):
        """Raises Conflict if another configuration is stored than when the form was opened."""
        if self.data.get("opened") and self.data["opened"] != raw.version_of(self.agent):
            raise Conflict(self.agent, ["config"])
