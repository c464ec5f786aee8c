"""A sign's reason in words, with its numbers, and the address of its cause."""

from dataclasses import dataclass
from functools import cache
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from agents.effective import drifting, unserved
from agents.known import said
from agents.models import Agent
from backoffice.display import redact
from backoffice.templatetags.ui import money, number
from telephony.dialling import readable
from tenants.health.kinds import Sign

NAMED = 5
NO_ID = str(UUID(int=0))


@cache
def pattern(url_name):
    return reverse(url_name, args=[NO_ID])


def address(url_name, pk):
    """The address of a record; for hundred thousands of them quicker than reverse()."""
    return pattern(url_name).replace(NO_ID, str(pk))


def days_in_words(days):
    """A number of days with one decimal below ten: "3.4 days"."""
    if days < 1:
        return "less than a day"
    if days > 3650:
        return "more than ten years"
    return f"{number(days, 1 if days < 10 else 0)} days"


def credit_sign(credit):
    """The Sign of a balance, or None. Both have one cause each: an empty balance covers one that runs dry."""
    url = address("tenants:organization_ledger", credit.organization_id)
    if credit.balance is None:
        text = "The balance is not set: calls end in a server error (500)."
        return Sign(credit.organization_id, "no_credit", "balance", {"balance": None}, text, url)
    if not credit.is_number:
        text = f"The balance is no number ({credit.balance}): calls end in a server error (500)."
        numbers = {"balance": str(credit.balance)}
        return Sign(credit.organization_id, "no_credit", "balance", numbers, text, url)
    if credit.is_gone:
        text = f"The balance is {money(credit.balance)}: calls are refused (402)."
        numbers = {"balance": str(credit.balance)}
        return Sign(credit.organization_id, "no_credit", "balance", numbers, text, url)
    left = credit.days_left
    if left is None or left >= settings.HEALTH_DRY_DAYS:
        return None
    text = (
        f"{money(credit.balance)} lasts {days_in_words(left)} at {money(credit.per_day)} a day "
        f"({money(credit.spent)} in {number(credit.days)} days, by {credit.basis})."
    )
    numbers = {
        "balance": str(credit.balance),
        "days_left": str(round(left, 1)),
        "spent": str(credit.spent),
        "days": str(round(credit.days)),
    }
    return Sign(credit.organization_id, "runs_dry", "balance", numbers, text, url)


def share(part, whole):
    return f"{100 * part / whole:.0f} %" if whole else "0 %"


def counted(count, word):
    return f"{number(count)} {word}{'' if count == 1 else 's'}"


def found_sign(organization_id, kind, cause, numbers):
    """The Sign of a row of one of the statements."""
    if kind == "silent":
        talks = counted(numbers["conversations"], "conversation")
        text = (
            f"No conversation for {counted(int(numbers['silent_days']), 'day')}, after {talks} on "
            f"{numbers['days_of_use']} of the 28 days up to the last one."
        )
        url = reverse("tenants:organization_conversations", args=[organization_id])
    elif kind == "failing_calls":
        before = numbers["calls_before"]
        norm = (
            f"the norm of the 28 days before is {share(numbers['failed_before'], before)} "
            f"({number(numbers['failed_before'])} of {number(before)})"
            if before
            else "there was none in the 28 days before"
        )
        calls = counted(numbers["calls"], "call")
        text = (
            f"{number(numbers['failed'])} of {calls} in {settings.HEALTH_CALL_DAYS} days failed or were busy "
            f"({share(numbers['failed'], numbers['calls'])}); {norm}."
        )
        url = reverse("tenants:organization_calls", args=[organization_id])
    else:
        number_id = cause.partition(":")[2]
        url = address("telephony:phonenumber_detail", number_id)
        shown = readable(numbers["number"])
        if kind == "number_unassigned":
            text = f"{shown} is active and has no agent: calls get 404."
        else:
            agent = Agent.with_columns(name=numbers["agent"], id=numbers["agent_id"])
            whose = numbers["answered_by"] or "an unknown organization"
            text = f"{shown} is answered by “{agent}” of {whose}, and this tenant pays."
    return Sign(organization_id, kind, cause, numbers, text, url)


@dataclass(frozen=True)
class Faults:
    """What is wrong with an agent's settings: `reasons` in words and their `numbers`, and the settings that drift by
    name and label.
    """

    reasons: str
    numbers: dict
    drifting: list
    labels: list


def agent_faults(settings_):
    """The Faults of settings (agents.effective), or None."""
    wrong, drift = unserved(settings_), drifting(settings_)
    if not wrong and not drift:
        return None
    return Faults(
        "; ".join(
            f"{setting.label} “{said(setting.value)}”: the runtime {outcome}" for setting, outcome in wrong
        ),
        {setting.name: str(redact(setting.value))[:200] for setting, _ in wrong},
        [setting.name for setting in drift],
        [setting.label for setting in drift],
    )


def agent_signs(organization_id, agent_id, name, faults):
    """[Sign] of one agent with these Faults, or None."""
    if faults is None:
        return []
    url = address("agents:agent_detail", agent_id)
    if not name or name.lstrip().startswith("{"):
        name = Agent.with_columns(name=name, id=agent_id).display_name
    signs = []
    if faults.reasons:
        cause, text = f"agent:{agent_id}:served", f"{name}: {faults.reasons}."
        signs.append(Sign(organization_id, "agent_unserved", cause, faults.numbers, text, url))
    if labels := faults.labels:
        more = f" and {len(labels) - NAMED} more" if len(labels) > NAMED else ""
        verb = "differs" if len(labels) == 1 else "differ"
        text = f"{name}: {counted(len(labels), 'setting')} {verb}: {', '.join(labels[:NAMED])}{more}."
        numbers = {"settings": len(labels), "names": faults.drifting}
        signs.append(Sign(organization_id, "agent_drift", f"agent:{agent_id}:drift", numbers, text, url))
    return signs
