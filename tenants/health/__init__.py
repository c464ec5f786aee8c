"""Signs that something is wrong with a tenant, each with its reason in numbers and the way to its cause."""

from tenants.health.credit import Credit, credit_of
from tenants.health.kinds import KINDS, Sign
from tenants.health.read import agents_reads, all_signs, found_reads, signs_from, signs_of

__all__ = [
    "KINDS",
    "Credit",
    "Sign",
    "agents_reads",
    "all_signs",
    "credit_of",
    "found_reads",
    "signs_from",
    "signs_of",
]
