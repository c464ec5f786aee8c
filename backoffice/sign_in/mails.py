"""Mails of sign-in are sent after the answer: how long it takes tells nobody whether an account exists, and a mail
server that is slow or gone holds nobody up.

One after the other in a thread of the web process; what is waiting is sent before the process ends.
"""

import contextvars
import logging
from concurrent.futures import ThreadPoolExecutor

logger = logging.getLogger(__name__)
executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")


def later(function, *args):
    """Calls a function that sends a mail, and must not need the database."""
    executor.submit(contextvars.copy_context().run, send, function, args)


def send(function, args):
    try:
        function(*args)
    except Exception:
        # Nobody waits for it any more: the log is where an admin looks when mails do not come.
        logger.exception("A mail was not sent.")


def wait():
    """Until everything asked for so far is sent, and what that asked for."""
    for _ in range(2):
        executor.submit(int).result()
