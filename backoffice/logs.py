"""Logs on standard output: one JSON object per line, or lines for people on a terminal. Times are UTC.

No content and no secrets: an address is told by the name of its route (a path may hold the token of a password mail),
without its query; a person by the number of the account; an exception by its type and its frames, since its message
may quote a row. docs/deployment.md lists the fields.
"""

import contextlib
import datetime as dt
import json
import logging
import re
import traceback
from contextvars import ContextVar
from types import MappingProxyType

request_id = ContextVar("request_id", default="")
# Of the job that runs here: {"job": its id, "started_by": the id of the request that asked for it}.
running_job = ContextVar("running_job", default=MappingProxyType({}))

EXTRA = (
    "method",
    "route",
    "object",
    "status",
    "milliseconds",
    "queries",
    "database_ms",
    "bytes",
    "user",
    "job",
    "kind",
    "rule",
    "seconds",
    "fault",
)
FRAMES = 12
# What gunicorn says of requests that never were any goes on with their text.
NO_REQUEST = re.compile(r"(Error handling request|Invalid request)\b.*", re.DOTALL)


def route_of(request):
    """The name of a request's route, such as "tenants:organization_list"; empty where there is none."""
    if match := getattr(request, "resolver_match", None):
        return match.view_name
    return "static" if getattr(request, "path_info", "").startswith("/static/") else ""


@contextlib.contextmanager
def about_job(job, started_by=""):
    """Lines logged inside tell the job, and the request that asked for it."""
    token = running_job.set({"job": str(job), "started_by": started_by})
    try:
        yield
    finally:
        running_job.reset(token)


def message_of(record):
    """The sentence of a record, without what it quotes: paths, hosts, lines that were no request."""
    if record.name.startswith("django.security."):  # the name tells which refusal it was
        return "Refused"
    if record.name.startswith("django.request"):
        request = getattr(record, "request", None)
        route = (route_of(request) if request is not None else "") or "an unknown address"
        path = getattr(request, "path", None)
        if path is None or not isinstance(record.args, tuple):
            return str(record.msg).replace("%s", "…")
        paths = (path, path.encode("unicode_escape").decode())  # Django writes it so
        return str(record.msg) % tuple(route if each in paths else each for each in record.args)
    if record.name == "gunicorn.error":
        return NO_REQUEST.sub(r"\1", record.getMessage())
    if record.name == "asyncio":  # below its sentence it shows an exception with its words
        return record.getMessage().partition("\n")[0]
    return record.getMessage()


def facts_of(record):
    """What a line tells beside its sentence: {name: value}."""
    facts = {"request_id": request_id.get(), **running_job.get()}
    if hasattr(record, "request"):  # Django's own lines
        facts["route"] = route_of(record.request)
    facts |= {name: getattr(record, name) for name in EXTRA if hasattr(record, name)}
    if record.exc_info and record.exc_info[0]:
        kind, error, tb = record.exc_info
        facts["exception"] = f"{kind.__module__}.{kind.__qualname__}"
        if sqlstate := getattr(error.__cause__ or error, "sqlstate", None):
            facts["sqlstate"] = sqlstate
        frames = traceback.extract_tb(tb)[-FRAMES:]
        facts["frames"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return {name: value for name, value in facts.items() if value not in ("", None)}


class JsonFormatter(logging.Formatter):
    def format(self, record):
        line = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message_of(record),
        }
        return json.dumps(line | facts_of(record), default=str)


class TextFormatter(logging.Formatter):
    """The same for people: `18:04:05Z WARNING backoffice.jobs: A job failed. (job=…)`, frames on lines of their own."""

    def format(self, record):
        at = dt.datetime.fromtimestamp(record.created, dt.UTC).strftime("%H:%M:%SZ")
        facts = facts_of(record)
        frames = facts.pop("frames", [])
        told = ", ".join(f"{name}={value}" for name, value in facts.items())
        line = f"{at} {record.levelname} {record.name}: {message_of(record)}" + (f" ({told})" if told else "")
        return "\n    ".join([line, *frames])
