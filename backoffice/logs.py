"""Logs are one JSON object per line on standard output, without personal content.

An exception is written as its type and its frames: its message may quote a row.
"""

import datetime as dt
import json
import logging
import traceback
from contextvars import ContextVar

request_id = ContextVar("request_id", default="")

EXTRA = ("method", "path", "status", "milliseconds")


# What these say of a request quotes it: its address with what was searched for, its host, a line that was no request.
SERVER_SAYS = ("Invalid request", "Error handling request")


def words(record):
    """What a record says, without what it quotes of a request."""
    text = str(record.msg)
    if record.name.startswith(("django.request", "django.security")):
        return text.replace("%s", "…") if record.args else "Refused"
    if record.name.startswith("gunicorn"):
        return next((said for said in SERVER_SAYS if text.startswith(said)), "") or record.getMessage()
    return record.getMessage()


class JsonFormatter(logging.Formatter):
    def format(self, record):
        line = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": words(record),
            "request_id": request_id.get(),
        }
        line |= {name: getattr(record, name) for name in EXTRA if hasattr(record, name)}
        if record.exc_info and record.exc_info[0]:
            kind, error, tb = record.exc_info
            line["exception"] = f"{kind.__module__}.{kind.__qualname__}"
            if sqlstate := getattr(error.__cause__ or error, "sqlstate", None):
                line["sqlstate"] = sqlstate
            line["frames"] = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(tb)[-12:]]
        return json.dumps({key: value for key, value in line.items() if value != ""}, default=str)
