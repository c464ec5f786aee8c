"""How many tries: counted by allauth's limits in the database's cache (ACCOUNT_RATE_LIMITS), under keys of ours.

Tries for an account are counted per account. An address from which it was signed in to not long ago has a count of
its own, all other addresses share one: so a stranger who tries on and on closes the way for strangers, and not for
the person at their usual place.
"""

import hashlib
import time
from datetime import timedelta

from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils import timezone

from backoffice.models import SignIn, User
from backoffice.sign_in import events
from backoffice.sign_in.addresses import client_address

APP = "allauth.account"
KNOWN_DAYS = 30
KNOWN_ADDRESSES = 200
NOTED_ONCE_SECONDS = 60
# Each count waits for its turn in the database; allauth's one second would refuse people where many come at once.
ratelimit.CACHE_LOCK_WAIT_TIMEOUT = 10


def bucket(request, email):
    """The key under which tries for an account, or for an address that is nobody's, are counted."""
    email = User.objects.normalize_email(email)
    here = ratelimit.truncate_ip(client_address(request))
    known = SignIn.objects.filter(
        account__email=email,
        kind=SignIn.Kind.SIGNED_IN,
        at__gt=timezone.now() - timedelta(days=KNOWN_DAYS),
    ).values_list("address", flat=True)[:KNOWN_ADDRESSES]
    place = here if here in {ratelimit.truncate_ip(address) for address in known} else "elsewhere"
    return f"{email} {place}"


def consume(request, action, key):
    """Counts a try. Returns what takes it back by `rollback()`; None where there were too many."""
    return ratelimit.consume(request, app=APP, action=action, key=key)


def clear(request, email):
    """Forgets the tries for an account from here and from elsewhere: the person has proved it is them."""
    for key in {bucket(request, email), f"{User.objects.normalize_email(email)} elsewhere"}:
        for action in ("login_failed", "factor_failed"):
            ratelimit.clear(request, app=APP, action=action, key=key, config=per_key(action))


def per_key(action):
    """The limits of an action without those of a network address, which others share."""
    rates = ratelimit.get_rates(app=APP, action=action)
    return {action: ",".join(f"{rate.amount}/{rate.duration}s/key" for rate in rates if rate.per == "key")}


def wait_seconds(request, action, key):
    """In how many seconds the next try is possible."""
    waits = [1]
    for rate in ratelimit.get_rates(app=APP, action=action):
        tries = cache.get(ratelimit.get_cache_key(request, app=APP, action=action, rate=rate, key=key), [])
        if len(tries) >= rate.amount:
            waits.append(tries[rate.amount - 1] + rate.duration - time.time())
    return max(waits)


def refusal(request, action, key, method, user=None, typed=""):
    """The ValidationError for one try too many, with the time to wait; noted once a minute."""
    note(request, key, method, user, typed)
    minutes = -int(-wait_seconds(request, action, key) // 60)
    when = f"{minutes} minute{'s' if minutes > 1 else ''}" if minutes < 60 else f"{-(-minutes // 60)} hours"
    return ValidationError(
        f"Too many tries. Try again in {when}, or use a passkey: it works at any time.", code="throttled"
    )


def note(request, key, method, user=None, typed=""):
    if cache.add(f"throttled:{hashlib.sha256(key.encode()).hexdigest()}", 1, NOTED_ONCE_SECONDS):
        events.record(request, SignIn.Kind.THROTTLED, method, user=user, typed=typed)
