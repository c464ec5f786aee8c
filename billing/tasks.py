"""Work of the queue that is about money (procrastinate finds this module by its name)."""

from billing.bulk_postings import posting  # noqa: F401  (it registers its kind)
from billing.statements import closing  # noqa: F401  (it registers its kind)
