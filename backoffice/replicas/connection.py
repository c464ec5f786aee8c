"""A connection that does not wait for a server which has stopped to answer."""

import psycopg


class ReplicaConnection(psycopg.Connection):
    """A connection whose statements end with OperationalError as soon as `gives_up()` says so.

    PostgreSQL's own timeouts do not help with a server that is frozen, and TCP's take long to notice. A statement that
    is merely slow is not touched.
    """

    gives_up = staticmethod(lambda: False)

    def wait(self, gen, *args, **kwargs):
        return super().wait(self._impatient(gen), *args, **kwargs)

    def _impatient(self, gen):
        """What `gen` yields; it is asked whether to give up each time that nothing came for a tenth of a second."""
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and self.gives_up():
                    self.pgconn.finish()
                    raise psycopg.OperationalError("The replica does not answer.")
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value
