from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class PrefixedCookieStorage(CookieStorage):
    """A cookie that no other host can set: the prefix holds the browser to that."""

    cookie_name = f"{settings.COOKIE_PREFIX}backoffice-messages"


class Storage(FallbackStorage):
    """What the next page says ("… was saved"): in a signed cookie, in the session where it is too long for one."""

    storage_classes = (PrefixedCookieStorage, SessionStorage)
