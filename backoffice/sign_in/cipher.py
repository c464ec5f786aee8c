"""Encryption of what sign-in keeps: seeds of authenticator apps and of recovery codes.

The key is made from SECRET_KEY; what was written under a key of SECRET_KEY_FALLBACKS is still read, and
`manage.py reencrypt_factors` writes it anew (docs/sign-in.md).
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

SALT = "backoffice.sign_in.cipher"


class KeyGone(Exception):
    """Encrypted under a key that is neither SECRET_KEY nor among SECRET_KEY_FALLBACKS."""


def cipher():
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [salted_hmac(SALT, "", secret=key, algorithm="sha256").digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def encrypt(text):
    return cipher().encrypt(text.encode()).decode()


def decrypt(encrypted):
    """The text. Raises KeyGone."""
    try:
        return cipher().decrypt(encrypted.encode()).decode()
    except InvalidToken:
        raise KeyGone from None


def reencrypt(encrypted):
    """The same text under SECRET_KEY. Raises KeyGone."""
    try:
        return cipher().rotate(encrypted.encode()).decode()
    except InvalidToken:
        raise KeyGone from None
