"""Why the platform refuses calls to a number: the steps of its own inbound flow, in its order.

The carrier's webhook gives the dialled number in E.164. The platform looks for a row with exactly that text and status
`active`, joined to its organization (404 without, and without an agent), reads the balance (a server error where there
is none, 402 at or under zero), and takes the call.
"""

import re
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.db.models import F
from django.urls import reverse

from backoffice.search.words import has_number
from backoffice.templatetags.ui import money
from telephony.dialling import to_e164
from telephony.models import PhoneNumber

OK, FAILS, ODD, NOT_REACHED = "ok", "fails", "odd", "not reached"
FEWEST_DIGITS = 6
CANDIDATES = 6
CHANGE = "telephony.change_phonenumber"


@dataclass
class Step:
    """`answer` is what the caller gets where the step fails; `fix` is (words, address, the permission it takes)."""

    title: str
    state: str
    found: str = ""
    answer: str = ""
    fix: tuple = ()


@dataclass
class Check:
    """The steps of one dialled number; `number` is the row that it hits, None if none."""

    dialled: str
    steps: list
    number: PhoneNumber | None = None
    others: list = field(default_factory=list)  # rows that look alike

    @property
    def failing(self):
        return next((step for step in self.steps if step.state == FAILS), None)

    @property
    def odd(self):
        return [step for step in self.steps if step.state == ODD]

    @property
    def verdict(self):
        """What a caller gets, in a few words."""
        return self.failing.answer if self.failing else "The call is taken"


TITLES = (
    "The dialled number is stored, as exactly this text",
    "Its status is active",
    "It belongs to an organization",
    "An agent is assigned",
    "The agent is of the same organization",
    "The balance is set",
    "The balance is above zero",
)


def check_number(number, dialled=""):
    """The Check of a row (with organization and agent joined), dialled as it is stored unless told otherwise."""
    steps = [*steps_of(number)]
    return Check(dialled or number.e164, finished(steps), number)


def finished(steps):
    """The steps up to the one that fails, the later ones marked as not reached."""
    done = []
    for step in steps:
        done.append(step)
        if step.state == FAILS:
            break
    return [*done, *(Step(title, NOT_REACHED) for title in TITLES[len(done) :])]


def steps_of(number):
    edit = reverse("telephony:phonenumber_edit", args=[number.pk])
    yield stored_step(number, edit)
    if number.is_active:
        yield Step(TITLES[1], OK, "active")
    else:
        state = f"The status is “{number.status}”." if number.status else "The status is not set."
        address = reverse("telephony:phonenumber_reactivate", args=[number.pk])
        yield Step(TITLES[1], FAILS, state, "404 Not Found", ("Reactivate the number", address, CHANGE))
    organization, agent = number.organization, number.agent
    yield Step(TITLES[2], OK, str(organization))
    if agent is None:
        words = (
            "No agent."
            if number.agent_id is None
            else f"The agent {number.agent_id} does not exist any more."
        )
        yield Step(TITLES[3], FAILS, words, "404 Not Found", ("Assign an agent", edit, CHANGE))
    else:
        yield Step(TITLES[3], OK, str(agent))
        if agent.organization_id == number.organization_id:
            yield Step(TITLES[4], OK, str(organization))
        else:
            words = (
                "It is not. The platform does not check this: another tenant's agent answers, "
                f"and {organization} pays."
            )
            yield Step(TITLES[4], ODD, words, "", ("Assign one of its own", edit, CHANGE))
    yield from balance_steps(organization)


def stored_step(number, edit):
    try:
        dialled = to_e164(number.e164 or "")
    except ValidationError:
        dialled = ""
    if dialled == number.e164:
        return Step(TITLES[0], OK, number.e164)
    words = f"Stored is “{number.e164}”, "
    words += (
        f"dialled would be {dialled}: another text." if dialled else "which is no number with a country code."
    )
    return Step(TITLES[0], FAILS, words, "404 Not Found", ("Correct the number", edit, CHANGE))


def balance_steps(organization):
    balance = organization.credits_balance
    ledger = reverse("tenants:organization_ledger", args=[organization.pk])
    fix = ("Look at the ledger", ledger, "billing.view_credittransaction")
    if balance is None or not balance.is_finite():
        words = "It is not set." if balance is None else f"It is no number ({balance})."
        yield Step(TITLES[5], FAILS, words, "500 Server Error", fix)
        return
    yield Step(TITLES[5], OK, money(balance))
    if balance > 0:
        yield Step(TITLES[6], OK, money(balance))
    else:
        yield Step(TITLES[6], FAILS, f"It is {money(balance)}.", "402 Payment Required", fix)


def check_dialled(text):
    """The Check of a number as somebody typed it, in any format: the row that it hits, or why it hits none.

    Reads the row by its exact text; only if there is none, the rows whose digits end so.
    """
    typed = re.sub(r"^\s*00", "+", text.strip())
    try:
        dialled = to_e164(typed)
    except ValidationError as error:
        dialled, fault = "", error.messages[0]
    rows = PhoneNumber.objects.select_related("organization", "agent")
    if dialled and (number := rows.filter(e164=dialled).first()):
        return check_number(number, dialled)
    digits = re.sub(r"\D", "", typed).lstrip("0")
    alike = []
    if len(digits) >= FEWEST_DIGITS:
        # Only the ending is compared: somebody who gives no country code means the number as it is dialled at home.
        found = rows.filter(has_number("e164", digits))
        alike = list(found.order_by(F("e164").asc())[:CANDIDATES])
    if not dialled and len(alike) == 1:
        return check_number(alike[0], text.strip())
    words = f"No row holds “{dialled}”." if dialled else fault
    add = f"{reverse('telephony:phonenumber_add')}?e164={dialled.replace('+', '%2B')}"
    fix = ("Add the number", add, "telephony.add_phonenumber")
    if alike:
        words += " Rows with the same digits: " + ", ".join(f"“{row.e164}”" for row in alike) + "."
        edit = reverse("telephony:phonenumber_edit", args=[alike[0].pk])
        fix = ("Correct the stored number", edit, CHANGE)
    elif not dialled:
        fix = ()
    step = Step(TITLES[0], FAILS, words, "404 Not Found", fix if dialled else ())
    return Check(dialled or text.strip(), finished([step]), None, alike)
