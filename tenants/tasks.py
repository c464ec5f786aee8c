"""Work of the queue that is about tenants (procrastinate finds this module by its name)."""

from tenants.closing import archive, procedure  # noqa: F401  (they register their kinds)
