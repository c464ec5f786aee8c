"""The postings that explain each balance: what was bought, used, given and put right.

Each has the time at which it would have been made; `load.write_ledger` posts them in that order.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal


@dataclass(frozen=True)
class Posting:
    """One call of public.post_credit; `reverses` is the key of the posting taken back."""

    organization_id: str
    amount: Decimal
    kind: str
    reason: str
    reference: str | None
    note: str | None
    key: str
    at: datetime
    reverses: str | None = None


def postings(world):
    for home in world.homes.values():
        if home.tenant.monthly and home.tenant.target is not None:
            yield from of_one_tenant(world, home)


def of_one_tenant(world, home):
    tenant = home.tenant
    rng = world.rng(tenant.slug, "money")
    made = []

    clock = world.ago(tenant.age)

    def post(amount, kind, reason, reference=None, note=None, reverses=None, after=timedelta(hours=26)):
        nonlocal clock
        clock = min(clock + after * rng.uniform(0.5, 1), world.until)
        key = f"demo-{tenant.slug}-{len(made) + 1}"
        made.append(
            Posting(
                home.organization_id, Decimal(amount), kind, reason, reference, note, key, clock, reverses
            )
        )
        return key

    post("10.00", "promotion", "Welcome credit", "WELCOME10", after=timedelta(hours=1))
    for month in months(world, tenant):
        clock = max(clock, datetime(month.year, month.month, 1, 8, tzinfo=UTC))
        label, code = f"{month:%B %Y}", f"{month:%Y-%m}"
        number = f"INV-{code}-{rng.randrange(1000, 9999)}"
        paid = rng.choice(("Card payment", "Bank transfer")) if tenant.stripe else "Bank transfer"
        key = post(tenant.monthly, "top_up", paid, number)
        if rng.random() < 0.04:
            again = post(tenant.monthly, "top_up", paid, number, "Imported twice from the bank statement.")
            post(-tenant.monthly, "reversal", f"{number} was booked twice", number, None, again)
        elif rng.random() < 0.04 and paid == "Card payment":
            post(-tenant.monthly, "reversal", "Card payment was charged back", number, None, key)
        used = Decimal(tenant.monthly * rng.randrange(55, 104)) / 100
        clock = max(clock, datetime(month.year, month.month, 28, 20, tzinfo=UTC))
        post(-used, "settlement", f"Usage of {label}", f"USE-{code}")
        if rng.random() < 0.07:
            post(
                Decimal(rng.randrange(300, 2500)) / 100,
                "goodwill",
                "Calls failed for two hours",
                f"TICKET-{code}",
            )
        if rng.random() < 0.05:
            post(
                Decimal(rng.randrange(100, 900)) / 100,
                "refund",
                f"Double-billed calls in {label}",
                f"USE-{code}",
            )
    clock = max(clock, world.until - timedelta(hours=rng.uniform(30, 240)))
    open_amount = tenant.target - sum(posting.amount for posting in made)
    if open_amount < 0:
        post(open_amount, "settlement", f"Usage of {world.until:%B %Y} so far", f"USE-{world.until:%Y-%m}")
    elif open_amount > tenant.monthly:
        post(open_amount, "top_up", "Bank transfer", f"INV-{world.until:%Y-%m}-0999")
    elif open_amount > 0:
        post(open_amount, "correction", "Usage was settled too high", None, "Recounted with support.")
    return made


def months(world, tenant):
    """The months that are settled: the last six before this one, or before a silent tenant fell silent."""
    first, end = (at.year * 12 + at.month - 1 for at in (world.ago(tenant.age), world.ago(tenant.silent)))
    for number in range(max(first, end - 6), end):
        yield date(number // 12, number % 12 + 1, 1)
