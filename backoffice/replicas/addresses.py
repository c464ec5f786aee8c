"""REPLICA_URLS as databases of Django."""

import copy
from contextlib import suppress

import environ
from django.core.exceptions import ImproperlyConfigured

from backoffice.replicas.connection import ReplicaConnection

PREFIX = "replica"
CONNECT_SECONDS = 2
# A page waits so long for a connection to a replica, then it is read from the primary.
POOL_SECONDS = 1


def databases(urls, primary):
    """{alias: settings} of the replicas in a list of URLs separated by commas, with the primary's options.

    Raises ImproperlyConfigured with a sentence.
    """
    places = {place(primary)}
    found = {}
    for number, url in enumerate(filter(None, map(str.strip, urls.split(","))), 1):
        alias = f"{PREFIX}{number}"
        config = read(url, number)
        if place(config) in places:
            raise ImproperlyConfigured(
                f"REPLICA_URLS: address {number} is that of the primary, or stands there twice. "
                "Give each read replica once, by its own connection string."
            )
        places.add(place(config))
        found[alias] = {
            **config,
            "ENGINE": "backoffice.replicas.postgresql",
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": {**options(primary, alias), **config.get("OPTIONS", {})},
        }
    return found


def read(url, number):
    config = {}
    if url.startswith(("postgresql://", "postgres://")):
        with suppress(ValueError):  # what is wrong stays unsaid: it may quote the password
            config = environ.Env.db_url_config(url)
    if not config.get("NAME"):
        raise ImproperlyConfigured(
            f"REPLICA_URLS: address {number} is not a connection string such as postgresql://user:password@host/name. "
            "Addresses are separated by commas; a comma in a password is written %2C."
        )
    return config


def place(config):
    """(host or folder of the socket, port, database): where two addresses are equal they lead to the same."""
    given = config.get("OPTIONS", {})
    host = config.get("HOST") or given.get("hostaddr") or given.get("host") or ""
    return str(host), str(config.get("PORT") or given.get("port") or 5432), str(config["NAME"])


def options(primary, alias):
    """The primary's options; connections are opened when they are needed, for a replica may be away."""
    own = copy.copy(primary.get("OPTIONS", {}))
    for name in ("host", "hostaddr", "port"):
        own.pop(name, None)
    own["connect_timeout"] = CONNECT_SECONDS
    if pool := own.get("pool"):
        own["pool"] = {
            **pool,
            "name": alias,
            "min_size": 0,
            "timeout": POOL_SECONDS,
            "connection_class": ReplicaConnection,
        }
    return own
