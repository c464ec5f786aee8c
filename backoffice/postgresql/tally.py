"""How many statements each thread has sent, and how long it waited for them; for the access log and the metrics.

Counted is what goes through Django's cursors; COPY and the queue's own connections do not.
"""

import threading
import time


class Tally(threading.local):
    queries = 0
    seconds = 0.0


tally = Tally()


def counted(execute, sql, params, many, context):
    """A wrapper for Django's `execute_wrappers`."""
    began = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        tally.queries += 1
        tally.seconds += time.perf_counter() - began
