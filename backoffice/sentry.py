"""Reports of errors to Sentry; only imported where SENTRY_DSN is set.

What is reported is what is logged as an error: an unexpected exception in a request, a job, a round. Nothing hooks into
requests, statements or templates, so there are no bodies, headers, parameters and breadcrumbs to begin with; and of
what Sentry's client makes of a log record only what `cleaned` names goes out.
"""

import logging

import sentry_sdk
from django.conf import settings
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration

from backoffice.logs import facts_of, message_of

EVENT = ("event_id", "timestamp", "platform", "level", "logger", "release", "environment", "sdk")
FRAME = (
    "filename",
    "abs_path",
    "function",
    "module",
    "lineno",
    "pre_context",
    "context_line",
    "post_context",
    "in_app",
)
TAGS = ("request_id", "started_by", "job", "method", "route", "kind", "fault", "sqlstate")
SECONDS_TO_SEND_THE_REST = 2  # when a process ends; while it runs, a thread sends and nobody waits


def start():
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=settings.RELEASE or None,
        environment=settings.ENVIRONMENT,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        traces_sample_rate=None,
        auto_session_tracking=False,
        default_integrations=False,
        integrations=[
            LoggingIntegration(level=None, event_level=logging.ERROR),
            ExcepthookIntegration(),
            DedupeIntegration(),
            AtexitIntegration(callback=lambda pending, timeout: None),
        ],
        in_app_include=["backoffice", "tenants", "agents", "telephony", "billing"],
        before_send=cleaned,
        shutdown_timeout=SECONDS_TO_SEND_THE_REST,
    )


def cleaned(event, hint):
    """The parts of an event that hold no content: a sentence of the code, types, frames, ids."""
    kept = {name: event[name] for name in EVENT if name in event}
    if record := hint.get("log_record"):
        kept["logentry"] = {"message": message_of(record)}
        facts = facts_of(record)
        kept["tags"] = {name: str(facts[name]) for name in TAGS if name in facts}
    if found := event.get("exception"):
        kept["exception"] = {"values": [without_words(each) for each in found["values"]]}
    return kept


def without_words(exception):
    """Type and frames; the message, and what was in the variables, may quote a row."""
    frames = (exception.get("stacktrace") or {}).get("frames", [])
    return {
        "type": exception.get("type"),
        "module": exception.get("module"),
        "stacktrace": {
            "frames": [{name: frame[name] for name in FRAME if name in frame} for frame in frames]
        },
    }
