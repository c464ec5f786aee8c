"""Sessions of signed-in staff: they remember the lists that were opened, and with them what was searched for."""

import json

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

TABLE = "django_session"
LABEL = "Back office: lists remembered in sessions"
# Who is signed in, and how; the rest is comfort.
KEPT = ("_auth_", "account_")


def named_sessions(person):
    """[(Session, its content without what names the person)] of the sessions in which something does."""
    found = []
    for session in Session.objects.iterator(chunk_size=500):
        content = session.get_decoded()
        rest = {
            key: value
            for key, value in content.items()
            if key.startswith(KEPT)
            or not person.is_named_in(json.dumps(value, ensure_ascii=False, default=str))
        }
        if rest != content:
            found.append((session, rest))
    return found


def forget(person):
    """Takes what names the person out of every session; nobody is signed out. Returns how many sessions."""
    found = named_sessions(person)
    for session, rest in found:
        Session.objects.filter(pk=session.pk).update(session_data=SessionStore().encode(rest))
    return len(found)
