"""How old what the back office keeps beside the platform's tables is: apps say it of theirs.

    from backoffice.health.ages import Age, ages

    def age_of_rollups():
        return [Age("Rollups of the dashboard", at, url="…", warn_after=timedelta(minutes=15))]

    ages(age_of_rollups)  # in AppConfig.ready()

A provider reads a row or two: it is asked at every look at the page.
"""

import datetime
import logging
from dataclasses import dataclass

from django.db import DatabaseError, transaction
from django.utils import timezone

from backoffice.health.findings import BAD, GOOD, WARN

logger = logging.getLogger(__name__)
PROVIDERS = []


@dataclass(frozen=True)
class Age:
    """`at` is the moment of which it is, None: never. Older than `warn_after` or `bad_after` is told; a `level` of its
    own overrules both. `note` says how far it is, or what is wrong. `url` is for holders of `permission`.
    """

    label: str
    at: datetime.datetime | None
    note: str = ""
    url: str = ""
    warn_after: datetime.timedelta | None = None
    bad_after: datetime.timedelta | None = None
    level: str = ""
    permission: str = ""

    @property
    def verdict(self):
        if self.level:
            return self.level
        if self.at is None:
            return WARN
        age = timezone.now() - self.at
        if self.bad_after and age > self.bad_after:
            return BAD
        return WARN if self.warn_after and age > self.warn_after else GOOD


def ages(provider):
    """Registers a function that gives [Age]."""
    PROVIDERS.append(provider)
    return provider


def read_ages():
    """All of them; one that cannot be read says so instead."""
    found = []
    for provider in PROVIDERS:
        try:
            with transaction.atomic():
                found += provider()
        except DatabaseError:
            logger.warning("An age could not be read.", exc_info=True)
            name = provider.__name__.replace("_", " ")
            found.append(Age(name.capitalize(), None, note="It could not be read.", level=BAD))
    return found
