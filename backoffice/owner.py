"""The connection of the platform's owner, for commands; the web app never reads it."""

import contextlib

import environ
from django.conf import settings

from backoffice.embedded import EmbeddedPostgres


class NoOwner(Exception):
    """Who owns the platform's tables is not known; the message is one sentence for whoever gave the command."""


@contextlib.contextmanager
def owner_url():
    """Address of the database as its owner: the embedded one, which is started meanwhile, or PLATFORM_OWNER_URL.

    Raises NoOwner, or EmbeddedError.
    """
    if settings.EMBEDDED:
        with EmbeddedPostgres(settings.EMBEDDED_PLACE) as server:
            name = settings.DATABASES["default"]["NAME"]
            if not server.has_database(name):
                raise NoOwner("There is no embedded database yet: manage.py run makes it.")
            yield server.url(name, "postgres")
        return
    environ.Env.read_env(settings.BASE_DIR / ".env")
    url = environ.Env().str("PLATFORM_OWNER_URL", "")
    if not url:
        raise NoOwner("PLATFORM_OWNER_URL is not set: this is done as the owner of the platform's tables.")
    yield url
