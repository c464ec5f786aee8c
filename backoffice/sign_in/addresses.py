"""The network address that a request comes from."""

import ipaddress

from django.conf import settings


def client_address(request):
    """Of the client, past the proxies that are trusted (TRUSTED_PROXIES), as text; "unknown" where there is none.

    X-Forwarded-For is read from its end, as many entries as there are proxies: those before may be made up. A request
    with fewer came past a proxy, and counts as the one that sent it.
    """
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    trusted = settings.TRUSTED_PROXIES
    given = hops[-trusted] if trusted and len(hops) >= trusted else ""
    return plain(given) or plain(request.META.get("REMOTE_ADDR", "")) or "unknown"


def plain(text):
    """An address without port, zone or brackets; "" where it is none."""
    text = text.strip()
    if text.count(":") == 1 or text.startswith("["):  # with a port, as some proxies send it
        text = text.partition("]")[0].strip("[") if text.startswith("[") else text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)
