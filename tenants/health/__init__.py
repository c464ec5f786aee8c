"""Signs that something is wrong with a tenant, each with its reason in numbers and the way to its cause."""

from tenants.health.credit import Credit, credit_of
from tenants.health.kinds import KINDS, Sign
from tenants.health.read import all_signs, signs_of

__all__ = ["KINDS", "Credit", "Sign", "all_signs", "credit_of", "signs_of"]
