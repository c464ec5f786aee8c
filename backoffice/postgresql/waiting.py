"""A connection that can be told to wait no longer for an answer."""

import psycopg

TICK_SECONDS = 0.05  # how often one who waits looks up


class WaitingConnection(psycopg.Connection):
    """A connection that is closed, and raises OperationalError, when hopeless() says that its answer will not come.

    PostgreSQL's own timeouts do not help with a server that is frozen, and TCP's take long to notice. A statement that
    is merely slow is not touched.
    """

    def hopeless(self, waited):
        """Why waiting for a statement, `waited` seconds by now, has no point any more; "" while it has."""
        return ""

    def heard(self):
        """Something came from the server."""

    def wait(self, gen, interval=TICK_SECONDS, timeout=None):
        try:
            wanted = next(gen)
        except StopIteration as end:  # it has come already, as the next row of a COPY mostly has
            return end.value
        return super().wait(self._watched(gen, wanted), interval=interval, timeout=timeout)

    def _watched(self, gen, wanted):
        """What `gen` yields to psycopg, `wanted` first; each time that nothing came for a tick, it is asked whether to
        go on.
        """
        waited = 0  # in ticks: on a machine that is so busy that they come late, it is not the database that is slow
        try:
            while True:
                ready = yield wanted
                if ready & psycopg.waiting.READY_R:
                    self.heard()
                elif not ready:
                    waited += TICK_SECONDS
                    if why := self.hopeless(waited):
                        self.pgconn.finish()
                        raise psycopg.OperationalError(why)
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value
