"""Error pages: what happened, what it means for the reader, what to do next; never internals."""

import sys

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

QUERY_CANCELED = "57014"
RETRY_AFTER_SECONDS = 10


def bad_request(request, exception):
    """400, or 413 where it was more than we take. It never reached a page, so nothing of it was done."""
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
        return HttpResponse(render_to_string("413.html"), status=413)
    return HttpResponse(render_to_string("400.html"), status=400)


def permission_denied(request, exception):
    return render(request, "403.html", {"missing": str(exception), "page_title": "Not allowed"}, status=403)


def page_not_found(request, exception):
    return render(request, "404.html", {"page_title": "Not found"}, status=404)


def server_error(request):
    """500, or 503 where the database is away or took too long: then trying again helps."""
    error = sys.exc_info()[1]
    if isinstance(error, OperationalError | InterfaceError):
        too_long = getattr(error.__cause__, "sqlstate", None) == QUERY_CANCELED
        context = {"retry_after": RETRY_AFTER_SECONDS, "posted": request.method == "POST" or too_long}
        if too_long:
            context["title"] = "This took too long and was stopped"
            context["text"] = (
                "Nothing was saved. A shorter period, one organization or fewer filters make it faster."
            )
        response = HttpResponse(render_to_string("503.html", context), status=503)
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        response.fault = "too_long" if too_long else "away"
        return response
    return HttpResponse(render_to_string("500.html", {"request_id": getattr(request, "id", "")}), status=500)
