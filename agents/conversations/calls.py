"""The calls that point at a session by its text id, read along with it: one query for the page's head."""

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject
from django.utils.dateparse import parse_datetime

from telephony.models import CallLog

FIELDS = ("id", "direction", "caller_number", "recording_url", "created_at")
MOST = 10


def calls_beside():
    """For annotate(call_rows=…) of sessions: the newest calls of each."""
    calls = CallLog.objects.filter(session_ref=OuterRef("external_id"))[:MOST]
    return ArraySubquery(calls.values(row=JSONObject(**{name: name for name in FIELDS})))


def calls_from(session):
    """The CallLogs of a session read with calls_beside(), with FIELDS alone; a time out of range reads None."""
    return [
        CallLog(**{**row, "created_at": parse_datetime(row["created_at"] or "")}) for row in session.call_rows
    ]
