from django.db import connection

from backoffice import services
from billing.limits import limit_of
from billing.models import Adoption, CreditTransaction


def post_credit(
    organization, *, actor, reason, kind, amount, reference="", note="", idempotency_key=None, reverses=None
):
    """Add `amount` (a signed Decimal, two places) to a balance, once per idempotency key. Returns the ledger row.

    Raises ValidationError with the database's sentence: no such organization, out of range, key used otherwise, above
    the limits of the actor's role.
    """
    limit = limit_of(actor)
    with services.acting(actor, reason), connection.cursor() as cursor:
        cursor.execute("select set_config('credits.role', %s, true)", [limit.name if limit else ""])
        cursor.execute(
            "select id from public.post_credit(%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                organization.pk, amount, kind, reason, reference or None, note or None,
                str(idempotency_key) if idempotency_key else None, reverses,
            ],
        )  # fmt: skip
        (pk,) = cursor.fetchone()
    return CreditTransaction.objects.get(pk=pk)


def adopt_change(change, *, actor, reason, reference=""):
    """Stand for a ledger row that came from outside. Returns the Adoption.

    Raises ValidationError with the database's sentence: not from outside, adopted already, wholly reversed.
    """
    with services.acting(actor, reason), connection.cursor() as cursor:
        cursor.execute("select billing.adopt_change(%s, %s, %s)", [change.pk, reason, reference or None])
        (pk,) = cursor.fetchone()
    return Adoption.objects.get(pk=pk)
