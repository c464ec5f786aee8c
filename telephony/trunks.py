"""What is known of SIP trunks beside their columns: forms of domains, when a password was replaced, copies of it."""

import ipaddress
import re

from django.core.exceptions import ValidationError
from django.db import connection

from agents.models import Agent
from backoffice.models import AuditEvent

LONGEST_HOST, LONGEST_LABEL = 253, 63
LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
UNSEEN = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
SCHEME = re.compile("(sips?|https?|wss?|tcp|udp|tls):", re.IGNORECASE)
SHAPE = "A domain looks like sip.example.net or 192.0.2.10, with :5060 for a port; without sip:, a user or a path."
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 500
MOST_COPIES = 20
DEPTH = 8  # of the envelopes that a builder put around a configuration

# Agents of a tenant that hold a second password, and the path at which: never the value.
COPIES = f"""
with recursive inner_of (id, name, config, path) as (
  select id, name, config, 'config' from agents where organization_id = %s and jsonb_typeof(config) = 'object'
  union all
  select id, name, config -> 'config', path || '.config' from inner_of
  where jsonb_typeof(config -> 'config') = 'object' and length(path) < {DEPTH * len(".config")})
select id, name, path || '.sip.password' from inner_of
where jsonb_typeof(config -> 'sip') = 'object' and coalesce(config #>> '{{sip,password}}', '') <> ''
order by name, id limit {MOST_COPIES + 1}
"""


def check_domain(text):
    """Raises ValidationError where a text is no host name or address, with a port or without."""
    if CONTROL.search(text) or any(character.isspace() for character in text):
        raise ValidationError(f"No spaces belong into it. {SHAPE}")
    if SCHEME.match(text) or "@" in text or "/" in text:
        raise ValidationError(SHAPE)
    host, port = text, ""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValidationError(SHAPE)
        port = rest[1:] if rest else ""
        if rest == ":" or not is_address(host, ipaddress.IPv6Address):
            raise ValidationError(SHAPE)
    elif ":" in text:
        host, _, port = text.partition(":")
        if not port:
            raise ValidationError(SHAPE)
    if port and not (re.fullmatch("[0-9]{1,5}", port) and 1 <= int(port) <= 65535):
        raise ValidationError("A port is a number from 1 to 65535.")
    if not text.startswith("["):
        check_host(host)


def check_host(host):
    if len(host) > LONGEST_HOST:
        raise ValidationError(f"A host name has {LONGEST_HOST} characters at the most.")
    if re.fullmatch(r"[0-9.]+", host):
        if not is_address(host, ipaddress.IPv4Address):
            raise ValidationError("This is no IP address: four numbers from 0 to 255, such as 192.0.2.10.")
        return
    for label in host.split("."):
        if len(label) > LONGEST_LABEL:
            raise ValidationError(f"Between two points stand {LONGEST_LABEL} characters at the most.")
        if not LABEL.fullmatch(label):
            raise ValidationError(SHAPE)


def is_address(text, kind):
    try:
        kind(text)
    except ValueError:
        return False
    return True


def check_username(text):
    """Raises ValidationError where a text cannot be the user name of a trunk."""
    if CONTROL.search(text) or any(character.isspace() for character in text):
        raise ValidationError("A user name has no spaces or control characters.")
    if UNSEEN.search(text):
        raise ValidationError("There are marks in it that nobody sees, of the page that it was copied from.")
    if SCHEME.match(text):
        raise ValidationError("Give the user name alone, without sip:.")
    if len(text) > 255:
        raise ValidationError("A user name has 255 characters at the most.")


def check_password(text, trunk):
    """Raises ValidationError where a text is no password for this trunk."""
    if CONTROL.search(text):
        raise ValidationError("A password has no line breaks or control characters.")
    if UNSEEN.search(text):
        raise ValidationError("There are marks in it that nobody sees, of the page that it was copied from.")
    if len(text) < SHORTEST_PASSWORD:
        raise ValidationError(f"A password has {SHORTEST_PASSWORD} characters or more.")
    if trunk.username and text.strip().lower() == trunk.username.strip().lower():
        raise ValidationError("The password is the user name: choose another one.")


def password_event(trunk):
    """The AuditEvent that last set, replaced or removed the password; None if none is on record."""
    events = AuditEvent.objects.of(trunk).filter(new__has_key="password")
    return events.exclude(action=AuditEvent.Action.INSERT, new__password=None).first()


def password_copies(trunk):
    """[(Agent with id and name, path)] of agents of the trunk's tenant whose configuration holds a SIP password."""
    if trunk.organization_id is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(COPIES, [trunk.organization_id])
        return [(Agent.with_columns(id=pk, name=name), path) for pk, name, path in cursor.fetchall()]
