"""The time zone that a page shows its times in: Django's, which takes long to ask for each of a hundred times."""

import contextlib
from contextvars import ContextVar

from django.utils import timezone

kept_zone = ContextVar("kept_zone", default=None)


@contextlib.contextmanager
def keeping_zone():
    """Within it, the zone stays what it is now."""
    token = kept_zone.set(timezone.get_current_timezone())
    try:
        yield
    finally:
        kept_zone.reset(token)


def current_zone():
    return kept_zone.get() or timezone.get_current_timezone()
