"""The rules: what each is called, how grave it is, what it says, and where it is mended."""

from dataclasses import dataclass

from django.conf import settings

from backoffice.addresses import row_address

EDIT_NUMBER = ("telephony:phonenumber_edit", "telephony.change_phonenumber")
NUMBER = ("telephony:phonenumber_detail", "telephony.view_phonenumber")
AGENT = ("agents:agent_detail", "agents.change_agent")
TRUNK = ("telephony:siptrunk_detail", "telephony.view_siptrunk")
LEDGER = ("tenants:organization_ledger", "billing.view_credittransaction")
TENANT = ("tenants:organization_detail", "tenants.view_organization")
SUBJECTS = {"number": NUMBER, "trunk": TRUNK, "tenant": TENANT}


@dataclass(frozen=True)
class Rule:
    """`tone` is bad (callers are turned away, or somebody else answers them), warn or info. `of` is what has the fault:
    "number", "trunk" or "tenant"; its id is the conflict's `subject_id`, but the page where it is mended may be that
    of `partner_id`. `rule_text` may name settings; `note` says in a few words what it means for callers. `fix` is
    (words, url name, permission).
    """

    label: str
    icon: str
    tone: str
    of: str
    rule_text: str
    note: str
    fix: tuple
    fix_partner: bool = False

    @property
    def text(self):
        return self.rule_text.format(settings=settings)

    def way(self, conflict, user):
        """(words, address) of the page where it is mended; None if the reader may not go there."""
        words, url_name, permission = self.fix
        target = conflict.partner_id if self.fix_partner else conflict.subject_id
        if target is None or not user.has_perm(permission):
            return None
        return words, row_address(url_name, target)

    def subject_url(self, conflict, user):
        """The page of what has the fault; "" if the reader may not go there."""
        url_name, permission = SUBJECTS[self.of]
        return row_address(url_name, conflict.subject_id) if user.has_perm(permission) else ""


# Grave ones first: the order of the list.
RULES = {
    "foreign_agent": Rule(
        "Another tenant's agent",
        "shuffle",
        "bad",
        "number",
        "An active number on which another tenant's agent answers, while its own tenant pays.",
        "this one pays",
        ("Assign one of its own", *EDIT_NUMBER),
    ),
    "missing_agent": Rule(
        "No agent",
        "phone-missed",
        "bad",
        "number",
        "An active number without an agent, or with one that does not exist: calls get 404.",
        "calls get 404",
        ("Assign an agent", *EDIT_NUMBER),
    ),
    "not_e164": Rule(
        "Not E.164",
        "hash",
        "bad",
        "number",
        "A number, whatever its status, that is not stored as + and 7 to 15 digits. The platform compares the dialled "
        "number with exactly this text, so calls get 404.",
        "calls get 404",
        ("Correct the number", *EDIT_NUMBER),
    ),
    "no_credit": Rule(
        "Numbers without credit",
        "circle-dollar-sign",
        "bad",
        "tenant",
        "A tenant with active numbers whose balance is at or under zero (calls get 402), not set or no number (calls "
        "end in a server error).",
        "calls are refused",
        ("Look at the ledger", *LEDGER),
    ),
    "same_digits": Rule(
        "Same digits in two forms",
        "copy",
        "warn",
        "number",
        "Two numbers, whatever their status, that are the same digits (seven or more; 00 in front counts as +). Each "
        "is listed once, against the one that is stored as E.164 or was added first.",
        "one of the two is not called",
        ("Correct or release it", *NUMBER),
    ),
    "draft_agent": Rule(
        "Unpublished agent",
        "file-pen-line",
        "warn",
        "number",
        "An active number whose agent is not published. The platform lets drafts answer, too.",
        "drafts answer, too",
        ("Publish the agent", *AGENT),
        fix_partner=True,
    ),
    "silent": Rule(
        "Silent",
        "bell-off",
        "info",
        "number",
        "An active number without a call in the last {settings.NUMBER_SILENT_DAYS} days. One that was never called "
        "counts from the day on which it was added.",
        "nobody calls",
        ("Check or release it", *NUMBER),
    ),
    "idle_trunk": Rule(
        "Trunk without numbers",
        "server-off",
        "info",
        "trunk",
        "A tenant's trunk, while the tenant has no number of that provider but released ones. Numbers without a "
        "provider count for every trunk; the platform's own trunks are not looked at.",
        "nothing uses it",
        ("Look at the trunk", *TRUNK),
    ),
}
PLACES = {name: place for place, name in enumerate(RULES)}
OF_NUMBERS = [name for name, rule in RULES.items() if rule.of == "number"]
OF_TENANTS = [name for name, rule in RULES.items() if rule.of != "number"]
