"""Lists and ends sessions."""

import datetime
import re

from django.db.models import Q
from django.utils import timezone

from backoffice import services
from backoffice.models import StaffSession

KEPT_DAYS = 30  # what ended is told to a browser that still has the cookie


def end(sessions, *, actor, reason, why=StaffSession.Ended.BY_HAND):
    """End these sessions (a queryset of StaffSession) at once. Returns how many; each leaves an entry in the audit."""
    with services.acting(actor, reason):
        return sessions.filter(ended_at=None).update(ended_at=timezone.now(), ended_why=why, session_data="")


def of_account(user, request):
    """The sessions of an account that go on, newest first, as a list; each knows its `device` and if it `is_this`."""
    found = list(StaffSession.objects.going_on().filter(account=user).order_by("-seen_at", "id"))
    for session in found:
        session.device = device(session.browser)
        session.is_this = bool(request.session.row and session.pk == request.session.row.pk)
    return found


def tidy():
    """Delete the rows of sessions that are over for long, and of sign-ins that were never finished."""
    now = timezone.now()
    long_over = Q(expire_date__lt=now - datetime.timedelta(days=KEPT_DAYS))
    unfinished = Q(account=None, expire_date__lt=now)
    StaffSession.objects.filter(long_over | unfinished).delete()


BROWSERS = [
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrom", "Chrome"),
    ("Safari", "Safari"),
]
SYSTEMS = [
    ("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"), ("Linux", "Linux"),
]  # fmt: skip


def device(browser):
    """A User-Agent in words: "Firefox on Windows"; as it says it is, which anybody can say."""
    name = next((words for sign, words in BROWSERS if re.search(rf"{sign}\w*/", browser)), "")
    system = next((words for sign, words in SYSTEMS if sign in browser), "")
    if name and system:
        return f"{name} on {system}"
    return name or system or "Another program"
