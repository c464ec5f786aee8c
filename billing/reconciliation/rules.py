"""What a check looks for: by which rule, whether it is drift, and what to do about it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """`is_drift` tells what is wrong from what is only worth knowing; `unit` is credits or USD."""

    label: str
    is_drift: bool
    unit: str
    meaning: str
    remedy: str


CREDITS, USD = "credits", "USD"

RULES = {
    "balance": Rule(
        "Balance is not its ledger",
        True,
        CREDITS,
        "The balance of an organization is not the sum of its ledger (a balance that is not set, or no number, counts "
        "as zero).",
        "Somebody changed the balance while the ledger's trigger was off. Run manage.py platform_schema: it writes the "
        "missing row, marked as a change from outside, which is then adopted or reversed.",
    ),
    "chain": Rule(
        "Ledger row does not continue the one before",
        True,
        CREDITS,
        "A row's balance after it is not the balance after the row before plus its amount.",
        "Between the two rows the balance changed without a row, or one was removed. Where the balance is not its "
        "ledger either, running manage.py platform_schema explains both; otherwise compare with a backup.",
    ),
    "vanished": Rule(
        "Ledger of a vanished organization is not zero",
        True,
        CREDITS,
        "An organization was deleted without the closing row that takes its balance out of the ledger.",
        "Restore the organization, or let the database's owner add the closing row (docs/reconciliation.md).",
    ),
    "settlement": Rule(
        "Settlement is not its posting",
        True,
        CREDITS,
        "A settlement's posting is missing, is another organization's or another amount, its costs are not those of "
        "the rows it contains, or the back office posted a settlement that does not exist.",
        "Compare the settlement with its posting; what was taken too much is reversed, what is missing is posted as a "
        "correction.",
    ),
    "statement": Rule(
        "Closed month does not add up",
        True,
        CREDITS,
        "A statement's content is not what its fingerprint says, it does not open with the closing of the month "
        "before, or opening and ledger of the month do not give its closing.",
        "Statements are frozen: compare with the printed one. A ledger row with a time inside a closed month came in "
        "after the close.",
    ),
    "repaired": Rule(
        "Ledger was off, and was made to fit again",
        False,
        CREDITS,
        "The balance changed while the trigger was off; running the schema again wrote the missing row.",
        "Nothing: adopt or reverse that row.",
    ),
    "late": Rule(
        "Usage that came late",
        False,
        USD,
        "Costs of usage and calls of days that are settled already, which came or rose afterwards.",
        "Nothing: they go into the next settlement, with the day they belong to.",
    ),
    "corrected": Rule(
        "Corrected since its settlement",
        False,
        USD,
        "More was settled than the rows cost by now.",
        "Nothing: the next settlement gives it back.",
    ),
    "outside": Rule(
        "Changes from outside that nobody stands for",
        False,
        CREDITS,
        "Balances were changed outside the back office. They are in the ledger; nobody adopted or reversed them yet.",
        "Adopt each with a reason, or reverse it.",
    ),
}
DRIFT = [name for name, rule in RULES.items() if rule.is_drift]
