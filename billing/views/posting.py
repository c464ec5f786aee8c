"""Posting to a balance, and taking a posting back: before and after are shown, and sent twice it counts once."""

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect
from django.utils.functional import cached_property

from backoffice import generic
from billing.forms import PostCreditForm, ReverseForm
from billing.limits import Room, room_of
from billing.models import CreditRequest, CreditTransaction
from billing.services import made_with, post_or_request
from tenants.models import Organization


@dataclass(frozen=True)
class Preview:
    """What a form is about to do. `moved_from` is the balance at its opening where that is another one by now."""

    before: Decimal
    amount: Decimal | None
    moved_from: Decimal | None
    room: Room

    @property
    def after(self):
        return None if self.amount is None else self.before + self.amount

    @property
    def why_request(self):
        return "" if self.amount is None else self.room.why_not(self.amount)

    @property
    def is_overdrawn(self):
        return self.amount is not None and self.amount < 0 and self.after <= 0


class PostingPage(generic.ActionView):
    """The form of a posting for `organization`. What is above the actor's limits becomes a request.

    A balance that moved since the form was opened is said before anything is posted; then the form is sent again, and
    counts even if the balance moved once more (a busy tenant's always does): amounts are added, never set.
    """

    service = staticmethod(post_or_request)
    template_name = "billing/post_credit.html"

    @property
    def organization(self):
        raise NotImplementedError

    @cached_property
    def balance(self):
        """As it is stored now; what is not set, or no number, counts as zero."""
        balance = (
            Organization.objects.filter(pk=self.organization.pk)
            .values_list("credits_balance", flat=True)
            .first()
        )
        return Decimal("0.00") if balance is None or balance.is_nan() else balance

    def post(self, request, pk):
        form = self.get_form(data=request.POST)
        is_valid = form.is_valid()
        if "_preview" in request.POST:
            return self.preview(form)
        # The balance is read before the key is looked up: had this very form moved it, its key would be found.
        balance = self.balance
        key = form.cleaned_data.get("idempotency_key")
        if made := key and made_with(key):
            return self.made_before(made, form)
        if not is_valid:
            return self.show(form, status=422)
        shown_with, told = form.shown_with()
        if shown_with is None:
            form.add_error(None, "This form is out of date. Look at the balance, and send it again.")
            return self.show(form, status=422)
        form.check_against(balance)
        if form.errors:
            return self.show(form, status=422)
        if shown_with != balance and not told:
            return self.show(form, status=409)
        try:
            made = type(self).service(self.organization, actor=request.user, **form.values())
        except ValidationError as error:
            if made := made_with(key):
                return self.made_before(made, form)
            form.add_error(None, error)
            return self.show(form, status=422)
        return self.done(made, shown_with)

    def done(self, made, shown_with):
        messages.success(self.request, self.said(made, shown_with))
        return HttpResponseRedirect(self.success_url(made))

    def success_url(self, made):
        return made.get_absolute_url()

    def said(self, made, shown_with):
        unit = settings.CREDIT_UNIT
        if isinstance(made, CreditRequest):
            return (
                f"{made.amount:+,} {unit} for {self.organization} were asked for: they wait for a second person."
                " The balance is as it was."
            )
        before = made.balance_after - made.amount
        text = f"The balance of {self.organization} was adjusted: {before:,} → {made.balance_after:,} {unit}."
        return text if before == shown_with else f"{text} It had moved from {shown_with:,} meanwhile."

    def made_before(self, made, form):
        """The answer to a form whose key was used: the same values lead to what was made, others are refused."""
        what = "request" if isinstance(made, CreditRequest) else "posting"
        if form.is_valid() and is_the_same(made, self.organization, form.values()):
            messages.info(
                self.request,
                f"This form was already sent: this is the {what} it made. Nothing was posted again.",
            )
            return HttpResponseRedirect(made.get_absolute_url())
        form.add_error(
            None,
            f"This form was already used for the {what} {made} ({made.reason}). Send it again to make another one.",
        )
        form.renew_key()
        return self.show(form, status=422)

    def preview(self, form):
        """What the form would do; for htmx that part of the page alone, with no word about what is not typed yet.

        An amount that could not be posted has no “after”, but a sentence.
        """
        impossible = ()
        if form.signed_amount() is not None:
            form.check_against(self.balance)
            impossible = form.errors.get("amount", ())
        if not self.request.htmx:
            return self.show(form, status=200 if form.is_valid() else 422)
        context = {"form": form, "object": self.object, "impossible": impossible, **self.context_of(form)}
        return self.render(context, template="billing/posting_preview.html")

    def context_of(self, form):
        shown_with, told = form.shown_with() if form.is_bound else (self.balance, False)
        moved = shown_with is not None and shown_with != self.balance
        form.show_with(self.balance, told=told or moved)
        amount = form.signed_amount() if form.is_bound else self.amount_at_first(form)
        preview = Preview(self.balance, amount, shown_with if moved else None, room_of(self.request.user))
        return {"preview": preview, "organization": self.organization}

    def amount_at_first(self, form):
        return None

    def show(self, form, status=200):
        self.extra = self.context_of(form)
        return super().show(form, status)

    def context(self):
        recent = CreditTransaction.objects.filter(organization_id=self.organization.pk)[:5]
        waiting = CreditRequest.objects.waiting().filter(organization_id=self.organization.pk)[:5]
        return {"recent": recent, "waiting": waiting, **self.extra}


def is_the_same(made, organization, values):
    """Whether a ledger row or request says what the values of a form say."""
    return (
        made.organization_id,
        made.amount,
        made.kind,
        made.reason,
        made.reference or "",
        made.note or "",
        made.reverses_id,
    ) == (
        organization.pk,
        values["amount"],
        values["kind"],
        values["reason"],
        values["reference"],
        values["note"],
        values["reverses"],
    )


class PostCredit(PostingPage):
    """Adjust a balance. The address is the organization's; the right is that of the ledger."""

    model = Organization
    permission = "billing.request_credit"
    label = "Adjust credits"
    icon = "coins"

    @property
    def organization(self):
        return self.object

    def get_form(self, **kwargs):
        return PostCreditForm(organization=self.object, **kwargs)

    def success_url(self, made):
        return made.get_absolute_url() if isinstance(made, CreditRequest) else self.object.get_absolute_url()


class CreditTransactionReverse(PostingPage):
    """Take back a posting, whole or in parts; never more than what is left of it."""

    model = CreditTransaction
    queryset = CreditTransaction.objects.select_related("organization")
    permission = "billing.post_credit"
    action = "reverse"  # not "change": a ledger row stays as it is
    template_name = "billing/reverse_posting.html"
    label = "Reverse"
    icon = "undo-2"

    @classmethod
    def applies_to(cls, posting):
        return posting.can_be_reversed and posting.left_to_reverse() > 0

    @property
    def organization(self):
        return self.object.organization

    @cached_property
    def left(self):
        return self.object.left_to_reverse()

    @cached_property
    def problem(self):
        if self.organization is None:
            return (
                "The organization is gone, and its ledger with it closed: nothing is posted to it any more."
            )
        if not self.object.can_be_reversed:
            return f"A posting of this kind is not reversed: {self.object.get_kind_display().lower()}."
        if not self.left:
            return "Nothing is left of this posting: it was reversed as a whole."
        return ""

    def get(self, request, pk):
        return self.cannot(200) if self.problem else super().get(request, pk)

    def post(self, request, pk):
        # The form that took all of it back may be sent twice.
        if self.organization is None or not self.object.can_be_reversed:
            return self.cannot(422)
        return super().post(request, pk)

    def cannot(self, status):
        context = {"page_title": f"Reverse: {self.object}", "crumbs": self.crumbs(), "object": self.object}
        return self.render(context | {"problem": self.problem}, status=status)

    def get_form(self, **kwargs):
        return ReverseForm(organization=self.organization, posting=self.object, left=self.left, **kwargs)

    def amount_at_first(self, form):
        return -self.left if self.object.amount > 0 else self.left

    def context(self):
        return super().context() | {
            "left": self.left,
            "reversals": self.object.reversals.order_by("id")[:20],
            "taken_back": abs(self.object.amount) - self.left,
        }
