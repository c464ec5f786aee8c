import uuid
from decimal import Decimal

from django import forms
from django.core import signing

from backoffice.filters import DateInput
from backoffice.forms import AmountField, PickerField, ReasonForm, StaffForm
from backoffice.months import MonthField
from billing.models import CreditLimit, CreditTransaction, Price
from tenants.models import Organization

# Settlements and reversals have their own ways.
POSTED_BY_HAND = [
    kind
    for kind in CreditTransaction.Kind.choices
    if kind[0] in ("top_up", "refund", "goodwill", "promotion", "correction")
]


class PostingForm(ReasonForm):
    """What every posting asks. `idempotency_key` makes a form that is sent twice count once.

    `opened` carries, signed, the balance that the form was shown with, and whether it said that the balance moved.
    """

    salt = "posting"

    reference = forms.CharField(required=False, max_length=200, help_text="Invoice, ticket or payment.")
    note = forms.CharField(required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))
    idempotency_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    opened = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args, organization, **kwargs):
        super().__init__(*args, **kwargs)
        self.organization = organization

    def show_with(self, balance, *, told):
        """Let the form carry the balance with which it is shown."""
        text = signing.dumps([str(self.organization.pk), str(balance), told], salt=self.salt)
        if self.is_bound:
            self.data = self.data.copy()
            self.data["opened"] = text
        else:
            self.initial["opened"] = text

    def renew_key(self):
        """A key of its own for the next sending; what was typed stays."""
        self.data = self.data.copy()
        self.data["idempotency_key"] = str(uuid.uuid4())

    def shown_with(self):
        """(balance, told) that came with the form; (None, False) if it was not opened from us for this organization."""
        try:
            pk, balance, told = signing.loads(self.data.get("opened", ""), salt=self.salt)
        except (signing.BadSignature, ValueError):
            return None, False
        return (Decimal(balance), told) if pk == str(self.organization.pk) else (None, False)

    def signed_amount(self):
        """What is added to the balance; None while nothing valid is typed."""
        return self.cleaned_data.get("amount")

    def values(self):
        """What the posting consists of beside organization and actor. For a form that is valid."""
        names = ("reason", "reference", "note", "idempotency_key")
        return {name: self.cleaned_data[name] for name in names} | {
            "amount": self.signed_amount(),
            "kind": self.cleaned_data["kind"],
            "reverses": None,
        }

    def check_against(self, balance):
        """Errors that depend on what is stored, beside the amount."""
        if abs(balance + self.signed_amount()) >= 100_000_000:
            self.add_error("amount", "Amount and balance must stay under 100,000,000.")


class PostCreditForm(PostingForm):
    """A signed amount for one balance."""

    kind = forms.ChoiceField(choices=POSTED_BY_HAND)
    amount = AmountField(
        max_digits=10,
        decimal_places=2,
        min_value=Decimal("-99999999.99"),
        # No inputmode: the keys for decimals of some phones have no minus.
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="Positive adds to the balance, negative takes from it.",
    )

    field_order = ["kind", "amount", "reason", "reference", "note"]

    def clean_amount(self):
        amount = self.cleaned_data["amount"]
        if amount == 0:
            raise forms.ValidationError("The amount must not be zero.")
        return amount


class AdoptForm(ReasonForm):
    reference = forms.CharField(required=False, max_length=200, help_text="Ticket, run or invoice behind it.")


class MonthForm(forms.Form):
    """Which month, and of whom."""

    month = MonthField(help_text="In UTC. It can be closed once it is over.")
    organization = PickerField(
        queryset=Organization.objects.all(), required=False, help_text="None: all organizations."
    )


class CloseMonthForm(MonthForm, ReasonForm):
    pass


class ReverseForm(PostingForm):
    """How much of a posting to take back, typed without a sign."""

    amount = AmountField(
        max_digits=10,
        decimal_places=2,
        label="Amount to take back",
        help_text="All that is left of it, or a part. The sign is put by itself.",
    )

    field_order = ["amount", "reason", "reference", "note"]

    def __init__(self, *args, posting, left, **kwargs):
        super().__init__(*args, **kwargs)
        self.posting = posting
        self.left = left
        self.initial.setdefault("amount", left)
        self.initial.setdefault("reference", posting.reference or "")

    def clean_amount(self):
        amount = self.cleaned_data["amount"]
        if amount <= 0:
            raise forms.ValidationError("Type an amount above zero; its sign is put by itself.")
        return amount

    def signed_amount(self):
        amount = self.cleaned_data.get("amount")
        return None if amount is None else -amount if self.posting.amount > 0 else amount

    def values(self):
        self.cleaned_data["kind"] = CreditTransaction.Kind.REVERSAL.value
        return super().values() | {"reverses": self.posting.pk}

    def check_against(self, balance):
        if self.cleaned_data["amount"] > self.left:
            self.add_error("amount", f"Only {self.left:,} of this posting is left to reverse.")
        else:
            super().check_against(balance)


class DecisionForm(forms.Form):
    """Approve or decline; a refusal says why."""

    APPROVE, DECLINE = "approve", "decline"

    decision = forms.ChoiceField(
        choices=[(APPROVE, "Approve"), (DECLINE, "Decline")], widget=forms.HiddenInput
    )
    # A textarea, so that Enter does not press the first button.
    comment = forms.CharField(
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Needed to decline. Kept with the request, and read by who asked.",
    )

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("decision") == self.DECLINE and not cleaned.get("comment"):
            self.add_error("comment", "Say why it is declined.")
        return cleaned


class CreditLimitForm(StaffForm):
    """What a role may post alone. Zero: nothing."""

    reason_required = True

    class Meta(StaffForm.Meta):
        model = CreditLimit
        fields = ["per_posting", "per_day"]
        help_texts = {
            "per_posting": "What is above it waits for a second person. 0: everything does.",
            "per_day": "All that one person posted within the last 24 hours, signs left out.",
        }

    def clean(self):
        cleaned = super().clean()
        for name in ("per_posting", "per_day"):
            if (cleaned.get(name) or 0) < 0:
                self.add_error(name, "A limit is zero or more.")
        if not self.errors and cleaned["per_posting"] > cleaned["per_day"]:
            self.add_error("per_posting", "One posting cannot be allowed more than all of 24 hours.")
        return cleaned


class PriceForm(StaffForm):
    reason_required = True

    class Meta(StaffForm.Meta):
        model = Price
        fields = ["model", "valid_from", "usd_per_1000"]
        widgets = {"valid_from": DateInput(attrs={"min": "2000-01-01", "max": "2999-12-31"})}
        help_texts = {
            "model": "As usage names it, letter by letter.",
            "valid_from": "The first day (UTC) for which it holds.",
            "usd_per_1000": "Input and output blended, six decimal places at the most.",
        }

    def clean_model(self):
        name = self.cleaned_data["model"]
        if not name.isprintable():
            raise forms.ValidationError("The name of a model has no line breaks or control characters.")
        return name

    def clean_usd_per_1000(self):
        amount = self.cleaned_data["usd_per_1000"]
        if amount < 0:
            raise forms.ValidationError("A price is not below zero.")
        return amount

    def clean(self):
        cleaned = super().clean()
        twin = Price.objects.filter(model=cleaned.get("model"), valid_from=cleaned.get("valid_from"))
        if twin.exclude(pk=self.instance.pk).exists():
            self.add_error("valid_from", "This model has a price from that day on already: correct that one.")
        return cleaned
