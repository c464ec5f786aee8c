"""Work of the queue that is about money (procrastinate finds this module by its name)."""

from billing.statements import closing  # noqa: F401  (it registers its kind)
