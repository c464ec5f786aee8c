"""The kinds of signs: what each is called, how grave it is, by which rule it is found."""

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True)
class Sign:
    """One thing that is wrong. `cause` is the same text as long as it is the same cause, unique within the tenant;
    `numbers` is the reason (JSON), `text` says it to people, `url` leads to what has to be mended.
    """

    organization_id: object
    kind: str
    cause: str
    numbers: dict
    text: str
    url: str

    @property
    def label(self):
        return KINDS[self.kind].label

    @property
    def tone(self):
        return KINDS[self.kind].tone

    @property
    def icon(self):
        return KINDS[self.kind].icon


@dataclass(frozen=True)
class Kind:
    """`tone` is bad (callers or visitors are turned away), warn (soon, or probably) or info (worth a look). `rule` may
    name settings.
    """

    label: str
    icon: str
    tone: str
    rule_text: str

    @property
    def rule(self):
        return self.rule_text.format(settings=settings)


# Grave ones first: the order in which they are shown.
KINDS = {
    "no_credit": Kind(
        "No credit",
        "circle-dollar-sign",
        "bad",
        "The balance is at or under zero (calls get 402), or not set (calls end in a server error).",
    ),
    "number_unassigned": Kind(
        "Number without agent",
        "phone-missed",
        "bad",
        "An active number that no agent answers: calls get 404.",
    ),
    "agent_unserved": Kind(
        "Settings that do not work",
        "bot-off",
        "bad",
        "An agent's effective voice or speech-to-text provider makes the runtime raise an error, the voice provider "
        "does not have the voice or its model, or the runtime does not know the language model.",
    ),
    "failing_calls": Kind(
        "Calls fail more than usual",
        "phone-off",
        "bad",
        "At least {settings.HEALTH_CALL_FAILURES} calls of the last {settings.HEALTH_CALL_DAYS} days failed or were "
        "busy, and their share is more than {settings.HEALTH_CALL_FACTOR:g} times that of the 28 days before and 10 "
        "points above it.",
    ),
    "runs_dry": Kind(
        "Credit runs out",
        "hourglass",
        "warn",
        "The balance lasts less than {settings.HEALTH_DRY_DAYS} days at the pace of the last "
        "{settings.HEALTH_SPENDING_DAYS} days.",
    ),
    "number_mismatched": Kind(
        "Another tenant's agent",
        "shuffle",
        "warn",
        "An active number that another tenant's agent answers while this one pays.",
    ),
    "silent": Kind(
        "Gone quiet",
        "message-square-off",
        "warn",
        "No conversation in any of the three stores for {settings.HEALTH_SILENT_DAYS} to "
        "{settings.HEALTH_FORGOTTEN_DAYS} days, after conversations on at least {settings.HEALTH_DAILY_USE_DAYS} of "
        "the 28 days (UTC) up to the last one. The session “default”, which all tenants share, does not count.",
    ),
    "agent_drift": Kind(
        "Columns and configuration differ",
        "git-compare",
        "info",
        "A column of an agent, or a further copy in its configuration, holds another value than the one that counts.",
    ),
}
ORDER = {kind: place for place, kind in enumerate(KINDS)}
