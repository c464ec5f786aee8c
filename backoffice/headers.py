"""What every answer tells the browser, and which methods are answered at all."""

from csp.constants import HEADER as CONTENT_SECURITY_POLICY
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string

METHODS = ("GET", "HEAD", "POST")
DEFAULTS = {
    "Cache-Control": "private, no-store",  # the browser's own cache included; static files say otherwise
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(),"
        " magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()"
    ),
    "X-Frame-Options": "DENY",
}


class HeadersMiddleware:
    """Adds to every answer, errors and static files too, what it does not say by itself."""

    def __init__(self, get_response):
        self.get_response = get_response
        self.headers = DEFAULTS | {
            CONTENT_SECURITY_POLICY: build_policy()
        }  # of the settings, for all pages alike

    def __call__(self, request):
        response = self.get_response(request)
        for name, value in self.headers.items():
            if name == CONTENT_SECURITY_POLICY and settings.DEBUG and response.status_code in (404, 500):
                continue  # Django's pages for developers have styles and scripts in them
            response.headers.setdefault(name, value)
        if request.method == "HEAD" and not response.streaming:
            # The server would throw the body away, with a warning in the log for each.
            response.headers.setdefault("Content-Length", str(len(response.content)))
            response.content = b""
        return response


class MethodMiddleware:
    """Answers METHODS alone, whatever a view would do with others; a refusal is a page that says so."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.method not in METHODS:
            return refused(METHODS)
        response = self.get_response(request)
        if response.status_code == 405 and not response.content:
            return refused([name for name in response["Allow"].split(", ") if name in METHODS])
        return response


def refused(allowed):
    response = HttpResponse(render_to_string("405.html"), status=405)
    response["Allow"] = ", ".join(allowed)
    return response
