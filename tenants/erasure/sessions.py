"""Sessions of signed-in staff: they remember the lists that were opened, and with them what was searched for."""

import json

from backoffice.models import StaffSession
from backoffice.sessions.store import SessionStore

TABLE = "backoffice_staffsession"
LABEL = "Back office: lists remembered in sessions"
# Who is signed in, and how; the rest is comfort.
KEPT = ("_auth_", "account_")


def named_sessions(person):
    """[(StaffSession, its content without what names the person)] of the sessions in which something does."""
    found = []
    store = SessionStore()
    for session in StaffSession.objects.iterator(chunk_size=500):
        content = store.decode(session.session_data)
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
        StaffSession.objects.filter(pk=session.pk).update(session_data=SessionStore().encode(rest))
    return len(found)
