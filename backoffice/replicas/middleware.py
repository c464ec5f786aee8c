"""Gives a request a replica to read from, and reads from the primary what the same person wrote a moment ago.

After a request that wrote, a cookie holds the place in the primary's log behind it. The person's next pages come from a
replica that has come so far, else from the primary: in every tab, and whichever server process answers. The cookie
ends when a replica so far behind would not be used anyway.
"""

import logging
from contextlib import suppress

import psycopg
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import DatabaseError, InterfaceError

from backoffice.replicas import watching
from backoffice.replicas.choice import visiting

log = logging.getLogger(__name__)

SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
# Beyond the largest lag: while a replica that has just stopped is still believed to follow.
EXTRA_SECONDS = 10


class ReplicaMiddleware:
    """The last middleware. A view opts in with `replica = True`, and is given one for GET and HEAD."""

    def __init__(self, get_response):
        if not settings.REPLICAS:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request):
        with visiting() as visit:
            request.visit = visit
            response = self.get_response(request)
        if visit.wrote or request.method not in SAFE:
            remember(response)
        return response

    def process_view(self, request, view, args, kwargs):
        """The page as read from a replica; None, so that the primary is read, where none will do or one fails."""
        page = getattr(view, "view_class", None)
        if request.method not in ("GET", "HEAD") or not getattr(page, "replica", False):
            return None
        visit = request.visit
        visit.replica = replica = watching.choose(place_of(request))
        if not replica:
            return None
        try:
            return view(request, *args, **kwargs)
        except (DatabaseError, InterfaceError) as error:
            if not visit.replica or isinstance(error.__cause__, psycopg.errors.QueryCanceled):
                raise  # the primary's, or a statement that takes as long there
            log.warning("Read from the primary instead of %s", replica, exc_info=True)
            watching.replicas()[replica].failed()
            return None
        finally:
            visit.replica = ""


def place_of(request):
    """The place that the person's pages have to reach; 0 if nothing was written lately."""
    try:
        return int(request.COOKIES.get(settings.REPLICA_COOKIE_NAME) or "0", 16)
    except ValueError:
        return watching.BEYOND


def remember(response):
    place = watching.BEYOND
    if response.status_code < 500:  # else the primary may be away, and is not asked once more
        with suppress(DatabaseError, InterfaceError):
            place = watching.written()
    response.set_cookie(
        settings.REPLICA_COOKIE_NAME,
        f"{place:x}",
        max_age=settings.REPLICA_MAX_LAG_SECONDS + EXTRA_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
