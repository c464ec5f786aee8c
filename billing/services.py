from django.conf import settings
from django.db import connection

from backoffice import services
from billing.limits import limit_of, room_of
from billing.models import Adoption, CreditRequest, CreditTransaction


def post_credit(
    organization, *, actor, reason, kind, amount, reference="", note="", idempotency_key=None, reverses=None
):
    """Add `amount` (a signed Decimal, two places) to a balance, once per idempotency key. Returns the ledger row.

    `reverses` is the id of the ledger row that it takes back. Raises ValidationError with the database's sentence: no
    such organization, out of range, key used otherwise, above the limits of the actor's role, more than is left.
    """
    limit = limit_of(actor)
    with services.acting(actor, reason), connection.cursor() as cursor:
        cursor.execute("select set_config('credits.role', %s, true)", [limit.name if limit else ""])
        cursor.execute(
            "select id from public.post_credit(%s, %s, %s, %s, %s, %s, %s, %s)",
            posting_values(organization, amount, kind, reason, reference, note, idempotency_key, reverses),
        )
        (pk,) = cursor.fetchone()
    return CreditTransaction.objects.get(pk=pk)


def request_credit(
    organization, *, actor, reason, kind, amount, reference="", note="", idempotency_key=None, reverses=None
):
    """Ask for a posting that somebody else approves; as post_credit, with no balance changed. Returns the request."""
    with services.acting(actor, reason), connection.cursor() as cursor:
        cursor.execute(
            "select billing.request_credit(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                *posting_values(
                    organization, amount, kind, reason, reference, note, idempotency_key, reverses
                ),
                settings.CREDIT_REQUEST_DAYS,
            ],
        )
        (pk,) = cursor.fetchone()
    return CreditRequest.objects.get(pk=pk)


def posting_values(organization, amount, kind, reason, reference, note, idempotency_key, reverses):
    key = str(idempotency_key) if idempotency_key else None
    return [organization.pk, amount, kind, reason, reference or None, note or None, key, reverses]


def post_or_request(organization, *, actor, amount, **values):
    """Post what the actor's limits allow, ask for what is above them. Returns the ledger row or the CreditRequest.

    Raises ValidationError as these two do.
    """
    verb = request_credit if room_of(actor).why_not(amount) else post_credit
    return verb(organization, actor=actor, amount=amount, **values)


def made_with(key):
    """What a one-time key was used for: a ledger row, a request, or None."""
    for model in (CreditTransaction, CreditRequest):
        if made := model.objects.filter(idempotency_key=str(key)).first():
            return made
    return None


def decide_request(request, *, actor, approve, comment=""):
    """Approve (which posts, with `actor` as who did it) or decline what somebody else asked for. Returns the request.

    Raises ValidationError with the database's sentence: one's own, decided already, expired, declined without a
    comment, or a posting that is not possible any more; then nothing is decided.
    """
    with services.acting(actor, comment.strip() or request.reason), connection.cursor() as cursor:
        cursor.execute("select billing.decide_request(%s, %s, %s)", [request.pk, approve, comment])
    return CreditRequest.objects.get(pk=request.pk)


def withdraw_request(request, *, actor, reason):
    """Take back a request of one's own that nobody decided about; raises ValidationError where that is too late."""
    with services.acting(actor, reason), connection.cursor() as cursor:
        cursor.execute("select billing.withdraw_request(%s, %s)", [request.pk, reason])
    return CreditRequest.objects.get(pk=request.pk)


def adopt_change(change, *, actor, reason, reference=""):
    """Stand for a ledger row that came from outside. Returns the Adoption.

    Raises ValidationError with the database's sentence: not from outside, adopted already, wholly reversed.
    """
    with services.acting(actor, reason), connection.cursor() as cursor:
        cursor.execute("select billing.adopt_change(%s, %s, %s)", [change.pk, reason, reference or None])
        (pk,) = cursor.fetchone()
    return Adoption.objects.get(pk=pk)
