"""Work of the queue that is about conversations and agents (procrastinate finds this module by its name)."""

from agents.conversations import turn_export  # noqa: F401  (it registers its kind)
from agents.questions import changing  # noqa: F401  (it registers its kinds)
