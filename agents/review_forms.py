"""Forms of reviewing: outcome, labels, notes, samples."""

import secrets

from django import forms
from django.core.exceptions import ValidationError

from agents.conversations.reviews import LONGEST_NOTE
from agents.conversations.samples import MOST
from agents.models import Label, Outcome, Sample
from backoffice.forms import StaffForm

NO_LABEL = "No label is called “{}”. Managers add labels on the page Labels."
SEVERAL_LABELS = "Several labels begin with “{}”: {}."


class LabelField(forms.CharField):
    """A label by its name, in any case, or by a beginning that only one has. Cleans to the Label."""

    widget = forms.TextInput(attrs={"list": "label-names", "autocomplete": "off"})

    def __init__(self, **kwargs):
        super().__init__(max_length=40, **kwargs)

    def clean(self, value):
        name = super().clean(value)
        if not name:
            return None
        found = list(Label.objects.filter(name__istartswith=name, is_retired=False)[:6])
        same = [label for label in found if label.name.casefold() == name.casefold()]
        if not found:
            raise ValidationError(NO_LABEL.format(name))
        if len(found) > 1 and not same:
            raise ValidationError(SEVERAL_LABELS.format(name, ", ".join(label.name for label in found)))
        return (same or found)[0]


class NoteField(forms.CharField):
    def __init__(self, **kwargs):
        super().__init__(
            label="Note",
            max_length=LONGEST_NOTE,
            widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
            **kwargs,
        )

    def clean(self, value):
        """A browser sends two characters for a line break; one is stored, and counted."""
        return super().clean(value.replace("\r\n", "\n") if value else value)


class ReviewForm(forms.Form):
    """`next` is the page to which a form sent without htmx returns."""

    next = forms.CharField(required=False, widget=forms.HiddenInput)

    def values(self):
        """What the service gets."""
        return {name: value for name, value in self.cleaned_data.items() if name != "next"}


class OutcomeForm(ReviewForm):
    """`seen` is the outcome that stood on the page, "" for none, which takes it back where it is chosen."""

    outcome = forms.ChoiceField(
        choices=[*Outcome.choices, ("", "Not reviewed")], required=False, widget=forms.RadioSelect
    )
    reason = forms.CharField(
        required=False, max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    seen = forms.ChoiceField(choices=[*Outcome.choices, ("", "")], required=False, widget=forms.HiddenInput)

    def values(self):
        values = super().values()
        return {**values, "outcome": values["outcome"] or None, "seen": values["seen"] or None}


class TurnKey(forms.CharField):
    def __init__(self, **kwargs):
        super().__init__(max_length=40, widget=forms.HiddenInput, **kwargs)


class LabelForm(ReviewForm):
    label = LabelField()


class LabelOffForm(ReviewForm):
    label = forms.ModelChoiceField(Label.objects, widget=forms.HiddenInput)
    turn = TurnKey(required=False)


class NoteForm(ReviewForm):
    text = NoteField()


class TurnForm(ReviewForm):
    """A label, a note, or both on one turn."""

    label = LabelField(required=False)
    text = NoteField(required=False)
    turn = TurnKey()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["label"].widget.attrs["autofocus"] = True

    def clean(self):
        cleaned = super().clean()
        if not self.errors and not cleaned["label"] and not cleaned["text"]:
            raise ValidationError("Give a label or a note.")
        return cleaned


class NoteEditForm(ReviewForm):
    """`seen` is the note as it was opened."""

    text = NoteField()
    seen = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)

    def values(self):
        values = super().values()
        return {**values, "seen": values["seen"].replace("\r\n", "\n")}


class NoteOffForm(ReviewForm):
    reason = forms.CharField(
        required=False, max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


class LabelRecordForm(StaffForm):
    class Meta(StaffForm.Meta):
        model = Label
        fields = ["name", "tone", "meaning"]

    def clean_name(self):
        """Names differ in more than capitals."""
        name = self.cleaned_data["name"]
        if other := Label.objects.filter(name__iexact=name).exclude(pk=self.instance.pk).first():
            state = "retired label" if other.is_retired else "label"
            raise ValidationError(f"There is a {state} “{other}” already.")
        return name


def new_seed():
    return secrets.token_hex(4)


class SampleForm(forms.ModelForm):
    """`query` is the state of the list from which the sample is drawn."""

    size = forms.IntegerField(
        min_value=1, max_value=MOST, initial=50, help_text=f"1 to {MOST} conversations."
    )
    query = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Sample
        fields = ["name", "size", "seed", "query"]
        help_texts = {"seed": "The same seed, size and filter draw the same conversations again."}
        widgets = {name: forms.TextInput(attrs={"autocomplete": "off"}) for name in ("name", "seed")}


class DecisionForm(forms.Form):
    """What a reviewer decides about an item of a sample; `seen` as in OutcomeForm."""

    do = forms.ChoiceField(choices=[*Outcome.choices, ("skip", "Skip"), ("undo", "Undo")])
    item = forms.IntegerField(required=False, min_value=1)
    seen = forms.ChoiceField(choices=Outcome.choices, required=False)
