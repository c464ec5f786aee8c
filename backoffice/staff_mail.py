"""Mails to members of staff about their own account; without a mail server, nothing is sent."""

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction

from backoffice.sign_in import mails

logger = logging.getLogger(__name__)
NOT_SENDING = ("console.EmailBackend", "dummy.EmailBackend", "filebased.EmailBackend")


def is_set_up():
    """Whether mails reach people. What a console or a file would show is not for whoever reads those."""
    return not settings.EMAIL_BACKEND.endswith(NOT_SENDING)


def send(email, subject, text):
    """Send a mail now; returns whether the mail server took it."""
    if not is_set_up():
        return False
    try:
        return bool(send_mail(f"Back office: {subject}", text, None, [email]))
    except OSError as error:  # smtplib's errors are OSErrors
        logger.error("A mail to a member of staff was not sent: %s", type(error).__name__)
        return False


def tell(user, what):
    """Tell somebody, once it is committed, what was done with their account: a sentence. Nobody waits for the mail."""
    text = f"{what}\n\nIf you did not expect this, talk to an admin of your team.\n"
    transaction.on_commit(lambda: mails.later(send, user.email, "Your account was changed", text))
