"""Work of the queue that is about conversations (procrastinate finds this module by its name)."""

from agents.conversations import turn_export  # noqa: F401  (it registers its kind)
