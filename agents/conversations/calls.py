"""The calls that point at a session by its text id, read along with it: one query for the page's head."""

from django.contrib.postgres.fields import ArrayField
from django.db.models import JSONField
from django.db.models.expressions import RawSQL
from django.utils.dateparse import parse_datetime

from telephony.models import CallLog

# Said in SQL: putting the same together as expressions takes longer than to read the session.
CALLS = """
array(select jsonb_build_object('id', c.id, 'direction', c.direction, 'caller_number', c.caller_number,
        'recording_url', c.recording_url, 'created_at', c.created_at)
      from public.call_logs c where c.session_id = agent_sessions.session_id
      order by coalesce(c.created_at, '-infinity') desc, c.id desc limit 10)
"""


def calls_beside():
    """For annotate(call_rows=…) of sessions: the newest calls of each."""
    return RawSQL(CALLS, [], ArrayField(JSONField()))


def calls_from(session):
    """The CallLogs of a session read with calls_beside(), with these fields alone; a time out of range reads None."""
    return [
        CallLog(**{**row, "created_at": parse_datetime(row["created_at"] or "")}) for row in session.call_rows
    ]
