"""When a session ends by itself: SESSION_IDLE_MINUTES after the last thing a person did, SESSION_HOURS after the
sign-in at the latest.
"""

import datetime

from django.conf import settings
from django.utils import timezone

IDLE, TOO_LONG = "idle", "too_long"
TOUCH = datetime.timedelta(minutes=1)  # `seen_at` is written this often at the most


def idle_time():
    return datetime.timedelta(minutes=settings.SESSION_IDLE_MINUTES)


def longest_time():
    return datetime.timedelta(hours=settings.SESSION_HOURS)


def oldest():
    """(when a session must have started after, when somebody must have been seen after) to hold still."""
    now = timezone.now()
    return now - longest_time(), now - idle_time()


def over(session):
    """Why a StaffSession holds no longer ("idle", "too_long", what it was ended for); "" while it does."""
    if session.ended_at:
        return session.ended_why
    started_after, seen_after = oldest()
    if session.started_at <= started_after:
        return TOO_LONG
    return IDLE if session.seen_at <= seen_after else ""
