import logging
import re
import time
import uuid
import zoneinfo

from django.conf import settings
from django.utils import timezone

from backoffice import zones
from backoffice.addresses import keeping_prefix
from backoffice.logs import request_id, route_of
from backoffice.metrics import count
from backoffice.postgresql.tally import tally

access = logging.getLogger("backoffice.access")


class RequestIdMiddleware:
    """Gives each request an id: `request.id`, the response header X-Request-ID, each log line, each audit entry.

    A trusted proxy's own X-Request-ID is kept when it looks like one; anybody else's could be made to look like the
    request of another person. Measures the request, and writes its line in the access log.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        given = request.headers.get("X-Request-ID", "") if settings.TRUSTED_PROXIES else ""
        request.id = given if re.fullmatch(r"[\w.-]{8,64}", given, re.ASCII) else uuid.uuid4().hex
        token = request_id.set(request.id)
        count.request_came()
        began, queries, seconds = time.perf_counter(), tally.queries, tally.seconds
        try:
            with keeping_prefix():
                response = self.get_response(request)
            response["X-Request-ID"] = request.id
            told(
                request,
                response,
                seconds=time.perf_counter() - began,
                queries=tally.queries - queries,
                database_seconds=tally.seconds - seconds,
            )
            return response
        finally:
            request_id.reset(token)


def told(request, response, *, seconds, queries, database_seconds):
    """One line of the access log, and the metrics, about a request that has its answer."""
    match = request.resolver_match
    facts = {
        "method": request.method,
        "route": route_of(request),
        "object": match and match.kwargs.get("pk"),
        "status": response.status_code,
        "milliseconds": round(seconds * 1000),
        "queries": queries,
        "database_ms": round(database_seconds * 1000),
        "bytes": None if response.streaming else len(response.content),
        # Only if the request asked who it is: the log does not.
        "user": getattr(getattr(request, "_cached_user", None), "pk", None),
        "fault": getattr(response, "fault", None),
    }
    access.info("request", extra=facts)
    count.request_done(facts, seconds=seconds, database_seconds=database_seconds)


class TimeZoneMiddleware:
    """Shows times in the signed-in person's own zone."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        try:
            zone = zoneinfo.ZoneInfo(getattr(request.user, "time_zone", "") or "")
        except (ValueError, zoneinfo.ZoneInfoNotFoundError):
            zone = None
        with timezone.override(zone), zones.keeping_zone():
            return self.get_response(request)
