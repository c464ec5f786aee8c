"""A connection that does not wait for a replica which has stopped to answer."""

from backoffice.postgresql.waiting import WaitingConnection


class ReplicaConnection(WaitingConnection):
    gives_up = staticmethod(lambda: False)

    def hopeless(self, waited):
        return "The replica does not answer." if self.gives_up() else ""
