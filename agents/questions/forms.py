"""The form of a change: which settings, and of each how it changes."""

from django import forms
from django.core.exceptions import ValidationError

from agents import known
from agents.effective import SETTINGS
from agents.forms.fields import ListField
from agents.questions.conditions import GROUPS, LABELS
from agents.questions.deeds import CHANGEABLE, HOW, Deed, ways_of
from agents.questions.sql import is_list
from backoffice.forms import ReasonForm, form_field

MOST = 3  # settings of one change
TYPED_FROM = 100  # agents from which on their number is typed to confirm
LISTS_OF = {"enabled_mcp_servers": known.MCP_SERVERS, "pii_redaction_list": known.PII_KINDS}


def choices():
    """The settings that can be changed, in groups."""
    for group, names in GROUPS:
        if found := [(name, LABELS[name]) for name in names if name in CHANGEABLE]:
            yield group, found


class SettingsForm(forms.Form):
    """Which settings are to be changed, up to MOST."""

    def __init__(self, chosen):
        super().__init__(initial={f"setting{n}": name for n, name in enumerate(chosen)})
        for n in range(MOST):
            self.fields[f"setting{n}"] = forms.ChoiceField(
                label="Setting" if not n else "and", choices=[("", "None"), *choices()], required=False
            )


class ChangeForm(forms.Form):
    """`deeds` are those that were typed. Each setting has the fields how, value, and for texts find."""

    def __init__(self, settings, data=None):
        super().__init__(data)
        self.settings = settings
        self.deeds = []
        for name in settings:
            ways = ways_of(name)
            self.fields[f"{name}_how"] = forms.ChoiceField(
                label="What", choices=[(way, HOW[way]) for way in ways]
            )
            if "replace" in ways:
                self.fields[f"{name}_find"] = forms.CharField(
                    label="Find",
                    required=False,
                    strip=False,
                    help_text="For find and replace: exactly as it is written.",
                )
            self.fields[f"{name}_value"] = value_field(name)

    def groups(self):
        """[(label, [bound fields])] of each setting."""
        for name in self.settings:
            fields = [
                self[f"{name}_{part}"] for part in ("how", "find", "value") if f"{name}_{part}" in self.fields
            ]
            yield LABELS[name], fields

    def clean(self):
        cleaned = super().clean()
        if not self.settings:
            raise ValidationError("Choose a setting first.")
        for name in self.settings:
            how, value = cleaned.get(f"{name}_how"), cleaned.get(f"{name}_value")
            find = (cleaned.get(f"{name}_find") or "").replace("\r\n", "\n")
            if how is None or f"{name}_value" in self._errors:
                continue
            if how == "replace" and not find:
                self.add_error(f"{name}_find", "Say what is looked for.")
            elif how in ("set", "add", "remove") and value in (None, "", []):
                self.add_error(f"{name}_value", "Say a value, or choose “Clear: not set”.")
            else:
                if isinstance(value, str):
                    value = value.replace("\r\n", "\n")
                self.deeds.append(
                    Deed(name, how, None if how == "clear" else value, find if how == "replace" else "")
                )
        return cleaned


def value_field(name):
    """The field of a setting's new value, as its type is; nothing is required of it here."""
    if is_list(name):
        listed = ", ".join(LISTS_OF.get(name, ()))
        text = f"One per line. Known: {listed}." if listed else "One per line."
        return ListField(required=False, label="Value", help_text=text)
    field = form_field(SETTINGS[name], required=False)
    field.label, field.required = "Value", False
    if name == "llm_model":
        models = ", ".join(model for _, names in known.MODELS for model in names)
        field.help_text = f"Known: {models}. {field.help_text}"
    field.initial = None
    return field


class ConfirmForm(ReasonForm):
    """Why; and, for many agents, their number typed."""

    def __init__(self, *args, number, **kwargs):
        super().__init__(*args, **kwargs)
        self.number = number
        if number > TYPED_FROM:
            self.fields["typed"] = forms.CharField(
                label="Type the number of agents",
                help_text=f"{number} agents will change: type {number} to confirm.",
                widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
            )
            self.order_fields(["typed", "reason"])

    def clean_typed(self):
        typed = self.cleaned_data["typed"].strip().replace(",", "")
        if typed != str(self.number):
            raise ValidationError(f"This is not the number: {self.number}.")
        return typed
