"""Sessions between browser and pages: who did something when, and the way to the sign-in page."""

from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth import middleware as auth
from django.contrib.sessions import middleware as sessions
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils import timezone

from backoffice.faults import READ_ONLY, fault_of
from backoffice.models import StaffSession
from backoffice.sessions import held, limits, person

UNATTENDED = "X-Unattended"  # a request that no person caused: static/backoffice/shell.js sets it


class SessionMiddleware(sessions.SessionMiddleware):
    """Django's, which also keeps address, browser and the time of what a person does."""

    def process_request(self, request):
        super().process_request(request)
        request.session.address = address_of(request).replace("\0", "")[:45]
        request.session.browser = request.headers.get("User-Agent", "").replace("\0", "")[:300]

    def process_response(self, request, response):
        if response.status_code < 500:
            touch(request)
        try:
            return super().process_response(request, response)
        except SessionInterrupted:  # it was ended while this request ran
            return to_sign_in(request, StaffSession.Ended.BY_HAND)


def address_of(request):
    """As the throttling of sign-in has it; "" where a request has none (a server behind a Unix socket)."""
    try:
        return str(get_adapter(request).get_client_ip(request))
    except PermissionDenied:
        return ""


def touch(request):
    """Somebody did something: not oftener than once a minute, and never for what a page asks by itself."""
    row = request.session.row
    if row is None or row.account_id is None or UNATTENDED in request.headers:
        return
    now = timezone.now()
    if now - row.seen_at < limits.TOUCH:
        return
    row.seen_at = now
    try:
        StaffSession.objects.filter(pk=row.pk, ended_at=None).update(
            seen_at=now, address=request.session.address, browser=request.session.browser
        )
    except DatabaseError as error:
        if fault_of(error) is READ_ONLY:  # pages are looked at on; the time is kept when it can be
            return
        raise
    held.tidy(request)


class AuthenticationMiddleware(auth.AuthenticationMiddleware):
    """Django's; `request.user` is the account itself, as every page asks for it, and not a stand-in that reads it when
    it is asked: a page looks at it two hundred times.
    """

    def process_request(self, request):
        super().process_request(request)
        with person.asked_for(request.session):
            request.user = auth.get_user(request)


class LoginRequiredMiddleware(auth.LoginRequiredMiddleware):
    """Django's; the sign-in page says why a session ended, and what was typed waits until somebody signed in."""

    def handle_no_permission(self, request, view_func):
        return to_sign_in(request, request.session.ended)


def to_sign_in(request, why):
    """The answer to somebody who is not signed in (any more)."""
    query = {"next": back_to(request)}
    if why:
        query["ended"] = why
    if request.method == "POST":
        account = request.session.ended_account
        if account and (url := held.keep(request, account)):
            query["next"] = url
        elif getattr(request, "htmx", False):
            return HttpResponse(status=401)  # the page stays, with what was typed, and says so (shell.js)
        elif account:
            query["lost"] = 1
    return whole_page(request, f"{resolve_url(settings.LOGIN_URL)}?{urlencode(query, safe='/')}")


def back_to(request):
    """The page that a person is on: of a part of a page, the page around it."""
    if getattr(request, "htmx", False):
        return request.htmx.current_url_abs_path or "/"
    return request.get_full_path()


def whole_page(request, url):
    """Leads the whole page there, also where htmx asked for a part of it."""
    if getattr(request, "htmx", False):
        return HttpResponse(status=401, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)
