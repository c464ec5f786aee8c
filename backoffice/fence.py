"""Work that somebody else may have taken over meanwhile: its writes ask first whether it is still theirs to do.

`services.acting` calls `check()` inside each of its transactions; backoffice.jobs says what is asked.
"""

from contextvars import ContextVar

from backoffice.holding import holding

asked = ContextVar("asked", default=None)


def check():
    """Raises what the work that runs here raises when it is no longer its own."""
    if ask := asked.get():
        ask()


def asking(ask):
    return holding(asked, ask)
