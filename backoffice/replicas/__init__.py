"""Read replicas of the platform's database (docs/replicas.md).

`addresses` turns REPLICA_URLS into databases of Django, `watching` measures how far each replica is, `choice` is where
a page reads from, `middleware` chooses for a request and remembers what a person wrote.
"""
