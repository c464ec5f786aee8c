"""The time zone that a page shows its times in: Django's, which takes long to ask for each of a hundred times."""

from contextvars import ContextVar

from django.utils import timezone

from backoffice.holding import holding

kept_zone = ContextVar("kept_zone", default=None)


def keeping_zone():
    """Within it, the zone stays what it is now."""
    return holding(kept_zone, timezone.get_current_timezone())


def current_zone():
    return kept_zone.get() or timezone.get_current_timezone()
