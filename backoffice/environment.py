"""Reads settings from the environment. A wrong one stops the start, and says in a sentence what is right."""

import contextlib
import datetime
import os
import secrets
from decimal import Decimal, InvalidOperation
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from backoffice.roles import ROLES

env = environ.Env()


def required(name):
    """The value of a setting that has no safe default once there is a real database."""
    if value := env.str(name, ""):
        return value
    raise ImproperlyConfigured(f"DATABASE_URL is set, so {name} is needed too: see .env.example.")


def demo_secret_key(path):
    """One random key per installation, kept in a file."""
    try:
        return path.read_text().strip()
    except OSError:
        pass
    key = secrets.token_urlsafe(50)
    try:
        path.parent.mkdir(exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(key)
    except OSError:
        # Made by another process just now; or the folder cannot be written, which `manage.py run` says in a sentence.
        with contextlib.suppress(OSError):
            return path.read_text().strip()
    return key


def whole_number(name, default, *, least, most):
    """A setting that is a whole number from `least` to `most`."""
    try:
        value = env.int(name, default)
    except ValueError:
        value = None
    if value is None or not least <= value <= most:
        raise ImproperlyConfigured(f"{name} is a whole number from {least:,} to {most:,}.")
    return value


def day_or_none(name):
    """A setting that is a day such as 2026-12-01, or empty."""
    try:
        return datetime.date.fromisoformat(value) if (value := env.str(name, "").strip()) else None
    except ValueError:
        raise ImproperlyConfigured(f"{name} is a day such as 2026-12-01, or empty.") from None


def rate(name):
    """A setting that is a rate: a number from 0 up to a million, with six decimal places at the most."""
    try:
        value = Decimal(env.str(name, "1").strip())
        if 0 <= value < 1_000_000 and value == round(value, 6):
            return value
    except InvalidOperation:
        pass
    raise ImproperlyConfigured(f"{name} is a number from 0 up to a million, six decimal places at the most.")


def roles(name, default):
    """A setting that is a list of roles, separated by commas; empty for none."""
    names = [role.strip() for role in env.str(name, default).split(",") if role.strip()]
    if unknown := [role for role in names if role not in ROLES]:
        raise ImproperlyConfigured(
            f"{name} is a list of {', '.join(ROLES)}, separated by commas; “{unknown[0]}” is no role."
        )
    return names


def oidc_hosts(url):
    """The hosts that single sign-on may ask: that of the provider, and those named beside it (OIDC_HOSTS)."""
    parts = urlsplit(url)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if url and (parts.scheme not in ("https", "http") or not parts.hostname):
        raise ImproperlyConfigured(
            "OIDC_SERVER_URL is an address such as https://login.example.com/realms/staff"
        )
    if url and parts.scheme == "http" and not local:
        raise ImproperlyConfigured(
            "OIDC_SERVER_URL begins with https://, as what comes from there opens accounts."
        )
    return {parts.hostname, *(host.strip().lower() for host in env.list("OIDC_HOSTS", default=[]))}


def days_kept(name):
    """A setting that is 0 or a number of days, a year at the least."""
    days = env.int(name, 0)
    if days and not 365 <= days <= 36_500:
        raise ImproperlyConfigured(f"{name} is 0, for ever, or a number of days from 365 to 36500.")
    return days


def bind_address(name):
    """A setting that is host:port, such as 127.0.0.1:9464 or [::1]:9464, or empty."""
    value = env.str(name, "").strip()
    host, _, port = value.rpartition(":")
    if value and not (host and port.isdigit() and 0 < int(port) < 65536):
        raise ImproperlyConfigured(f"{name} is an address with its port, such as 127.0.0.1:9464, or empty.")
    return value
