"""What waits for somebody: counts that apps offer, and that the dashboard shows to whoever may act on them.

An app registers a provider when it is ready (`AppConfig.ready`); `backoffice` imports from no app.
"""

from dataclasses import dataclass

# Functions user → [Need]; in the order in which they were registered.
NEEDS = []


@dataclass(frozen=True)
class Need:
    """Rows that want somebody: `count` of them, opened by `url`.

    `icon` is a name of lucide's; `note` says in a few words what they mean; `tone` is that of a status: "bad"
    (something fails now), "warn" or "info". A count of zero may be given too: whoever shows it decides about the line.
    """

    label: str
    icon: str
    count: int
    url: str
    note: str = ""
    tone: str = "warn"


def needs(provider):
    """Registers `provider(user) -> [Need]`, which leaves out what the user may not see. Usable as a decorator."""
    if provider not in NEEDS:
        NEEDS.append(provider)
    return provider


def needs_of(user):
    """All Needs that the providers have for a user."""
    return [need for provider in NEEDS for need in provider(user)]
