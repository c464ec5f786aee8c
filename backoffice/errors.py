"""Error pages: what happened, what it means for the reader, what to do next; never internals."""

import logging
import sys

from django.core.exceptions import (
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import connection
from django.http import HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.template.loader import render_to_string

from backoffice import display
from backoffice.faults import READ_ONLY, fault_of
from backoffice.filters import Query
from backoffice.generic.lists import wants_results
from backoffice.generic.memory import PLACES
from backoffice.logs import route_of

logger = logging.getLogger(__name__)

MOST_KEPT = 200_000  # characters of a form that its 503 page holds, to be sent once more
TOKEN = "csrfmiddlewaretoken"


def bad_request(request, exception):
    """400, or 413 where it was more than we take. It never reached a page, so nothing of it was done."""
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
        return HttpResponse(render_to_string("413.html"), status=413)
    return HttpResponse(render_to_string("400.html"), status=400)


def permission_denied(request, exception):
    return render(request, "403.html", {"missing": str(exception), "page_title": "Not allowed"}, status=403)


def page_not_found(request, exception):
    return render(request, "404.html", {"page_title": "Not found"}, status=404)


def too_many_requests(request):
    """429: the limits of a whole page are per minute."""
    response = render(request, "429.html", {"page_title": "Too many tries"}, status=429)
    response["Retry-After"] = "60"
    logger.warning("Too many requests")
    return response


def server_error(request):
    """500, or 503 where the database is the reason: then trying again helps."""
    fault = fault_of(sys.exc_info()[1])
    if fault is None:
        context = {"request_id": getattr(request, "id", "")}
        return HttpResponse(render_to_string("500.html", context), status=500)
    if fault is READ_ONLY:
        connection.renew_pool()  # connections made while it was read-only may stay so
    logger.warning("The database did not go along.", extra={"fault": fault.name, "route": route_of(request)})
    return unavailable(request, fault)


def unavailable(request, fault):
    posted = request.method == "POST"
    context = {
        "fault": fault,
        "posted": posted,
        "may_be_saved": posted and connection.committed_in == getattr(request, "id", None),
        "typed": typed(request) if posted else None,
        "address": request.get_full_path(),
        "path": request.path,
        "ways": ways_to_narrow(request) if fault.too_long and not posted else [],
    }
    fragment = wants_results(getattr(request, "htmx", None))
    response = HttpResponse(
        render_to_string("503_fragment.html" if fragment else "503.html", context), status=503
    )
    response["Retry-After"] = str(fault.retry_after)
    response.fault = fault.name
    response["Cache-Control"] = "no-store"
    # The line above is enough: Django's own would have the frames of each request of an outage.
    response._has_been_logged = True
    return response


def typed(request):
    """[(name, value)] of a form, to be sent once more as it was; None where it cannot or must not be repeated.

    Files cannot; secrets are never written back to a page.
    """
    try:
        data, files = request.POST, request.FILES
    except (OSError, SuspiciousOperation, MultiPartParserError):
        return None
    pairs = [(name, value) for name, values in data.lists() for value in values]
    if files or not pairs or sum(len(name) + len(value) for name, value in pairs) > MOST_KEPT:
        return None
    return None if any(name != TOKEN and is_secret(name, value) for name, value in pairs) else pairs


def is_secret(name, value):
    return bool(display.SECRET_KEY.search(name)) or display.redact_text(value) != value


def ways_to_narrow(request):
    """[(label, address)] of the same list with less to look for."""
    view = getattr(getattr(request.resolver_match, "func", None), "view_class", None)
    filters = getattr(getattr(view, "filterset_class", None), "base_filters", None)
    if filters is None:
        return []
    query = Query(request.GET).without(*PLACES)
    filtered = [name for name in request.GET if name not in ("sort", "columns", "view", *PLACES)]
    ways = []
    if "sort" in request.GET:
        ways.append(("The same rows in the usual order", query.without("sort")))
    if "q" in filtered and len(filtered) > 1:
        ways.append(("Without what was typed in the search field", query.without("q", "sort")))
    if filtered:
        ways.append(("The list without filters", query.without("sort", *filtered)))
    if "columns" in request.GET:
        ways.append(("The usual columns", query.without("columns")))
    return [(label, f"{request.path}{'' if str(rest) == '?' else rest}") for label, rest in ways]
