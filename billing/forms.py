import uuid
from decimal import Decimal

from django import forms

from backoffice.forms import AmountField, PickerField, ReasonForm
from backoffice.months import MonthField
from billing.models import CreditTransaction
from tenants.models import Organization

# Settlements and reversals have their own ways.
POSTED_BY_HAND = [
    kind
    for kind in CreditTransaction.Kind.choices
    if kind[0] in ("top_up", "refund", "goodwill", "promotion", "correction")
]


class PostCreditForm(ReasonForm):
    """A signed amount for one balance. `idempotency_key` makes a form that is sent twice count once."""

    kind = forms.ChoiceField(choices=POSTED_BY_HAND)
    amount = AmountField(
        max_digits=10,
        decimal_places=2,
        min_value=Decimal("-99999999.99"),
        help_text="Positive adds to the balance, negative takes from it.",
    )
    reference = forms.CharField(required=False, max_length=200, help_text="Invoice, ticket or payment.")
    note = forms.CharField(required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))
    idempotency_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

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
        queryset=Organization.objects.all(), required=False, help_text="None chosen: all organizations."
    )


class CloseMonthForm(MonthForm, ReasonForm):
    pass
