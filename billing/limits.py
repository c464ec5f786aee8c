"""What one person may post without a second one. The database holds everybody to it (billing.guard_posting)."""

from billing.models import CreditLimit


def limit_of(user):
    """The CreditLimit of the user's role, the widest where there are several; None: nothing may be posted alone."""
    return (
        CreditLimit.objects.filter(name__in=user.groups.values("name"))
        .order_by("-per_posting", "-per_day", "name")
        .first()
    )
