import logging
import re
import time
import uuid
import zoneinfo

from django.conf import settings
from django.utils import timezone

from backoffice.logs import request_id

access = logging.getLogger("backoffice.access")


def logged_path(request, response):
    """The path as a log may hold it: of what stands in it only ids, and nothing of an address that is none of ours.

    What else people put there may be secret (the key of a forgotten password), or content.
    """
    match = request.resolver_match
    if match is None:
        is_file = request.path.startswith(f"/{settings.STATIC_URL.lstrip('/')}") and response.status_code < 400
        return request.path if is_file else "…"
    path = request.path
    for name, value in match.captured_kwargs.items():
        if value and not re.fullmatch(r"[0-9a-f-]{36}|\d{1,18}", str(value)):
            path = path.replace(str(value), f"<{name}>")
    return path


class RequestIdMiddleware:
    """Gives each request an id: `request.id`, the response header X-Request-ID, each log line, each audit entry.

    A proxy's own X-Request-ID is kept when it looks like one.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        given = request.headers.get("X-Request-ID", "")
        request.id = given if re.fullmatch(r"[\w.-]{8,64}", given) else uuid.uuid4().hex
        token = request_id.set(request.id)
        started = time.monotonic()
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = request.id
            access.info(
                "request",
                extra={
                    "method": request.method,
                    "path": logged_path(request, response),
                    "status": response.status_code,
                    "milliseconds": round((time.monotonic() - started) * 1000),
                },
            )
            return response
        finally:
            request_id.reset(token)


class TimeZoneMiddleware:
    """Shows times in the signed-in person's own zone."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        try:
            zone = zoneinfo.ZoneInfo(getattr(request.user, "time_zone", "") or "")
        except (ValueError, zoneinfo.ZoneInfoNotFoundError):
            zone = None
        with timezone.override(zone):
            return self.get_response(request)
