"""The table: every page of the product, with the address of each of the three that show it, and what is wanted of it.

`pages(world)` fills in the addresses. A Page without an address for the floor or for stock has nothing like it there.
What people of all roles ask for, for measurements with many requests, is in bench/pages.py.
"""

from dataclasses import dataclass, field
from urllib.parse import urlencode

from bench.speed import others
from bench.speed.places import PLACES, cursor
from bench.speed.wanted import WANTED


@dataclass(frozen=True)
class Page:
    group: str
    name: str
    ours: str
    floor: str = ""  # <handler>?<parameters>
    stock: str = ""
    wanted: str = "list"
    rows: str = ""  # how ours marks the rows that must be the floor's: a key of same.MARKS
    hx: bool = False  # asked for by htmx, as a part of a page
    changes: tuple = field(default=())  # of a form that is saved: values of its `description` that take turns

    @property
    def goal(self):
        return WANTED[self.wanted]


# Lists: (name, address, floor's list, stock's address, whether one tenant's rows can be asked for)
LISTS = [
    ("organizations", "/tenants/organizations/", "organizations", "platform/organization", False),
    ("profiles", "/tenants/profiles/", "profiles", "platform/userprofile", False),
    ("agents", "/agents/agents/", "agents", "platform/agent", True),
    ("sessions", "/agents/sessions/", "sessions", "platform/agentsession", True),
    ("messages", "/agents/messages/", "messages", "platform/agentmessage", False),
    ("conversations", "/agents/conversations/", "conversations", "", True),
    ("numbers", "/telephony/numbers/", "numbers", "", True),
    ("trunks", "/telephony/trunks/", "trunks", "", False),
    ("calls", "/telephony/calls/", "calls", "platform/calllog", True),
    ("usage", "/billing/usage/", "usage", "platform/usagelog", True),
    ("ledger", "/billing/ledger/", "ledger", "platform/credittransaction", True),
    ("audit changes", "/audit/changes/", "changes", "", False),
    ("audit readings", "/audit/readings/", "readings", "", False),
]
# How stock narrows a list to one tenant; those that are not here cannot.
TENANT_FILTER = {
    "platform/agent": "organization__id__exact",
    "platform/agentsession": "agent__organization__id__exact",
    "platform/calllog": "organization__id__exact",
    "platform/usagelog": "organization__id__exact",
}


def pages(world):
    return [
        *lists(world), *searches(world), *single(world), *overviews(world), *plain(world), *other(world),
    ]  # fmt: skip


def address(path, **params):
    return f"{path}?{urlencode(params)}" if params else path


SMALL = ("organizations", "profiles", "agents", "numbers", "trunks", "ledger")


def lists(world):
    for name, ours, floor, stock, has_tenant in LISTS:
        usual = "small list" if floor in SMALL else "list"
        admin = f"/admin/{stock}/" if stock else ""
        yield Page("Lists", f"{name}, first page", ours, floor, admin, wanted=usual, rows="list")
        if place := world.places.get(floor):
            key, pk, number = place
            yield Page(
                "Lists",
                f"{name}, page {number:,}",
                address(ours, after=cursor(key, pk)),
                address(floor, key=key, id=pk),
                admin and address(admin, p=number),
                wanted=usual,
                rows="list",
            )
        if floor in PLACES:
            last = -(-world.rows.get(floor, 1) // 50)
            yield Page(
                "Lists",
                f"{name}, last page",
                address(ours, last=1),
                address(floor, last=1),
                admin and address(admin, p=last),
                wanted="last page" if floor == "messages" else usual,
                rows="list",
            )
        for tenant in ("top", "middle") if has_tenant else ():
            pk = getattr(world, tenant)
            yield Page(
                "Lists",
                f"{name} of the {tenant} tenant",
                address(ours, organization=pk),
                address(floor, organization=pk),
                address(admin, **{TENANT_FILTER[stock]: pk}) if stock in TENANT_FILTER else "",
                # Where the table itself has the tenant, all tenants cost the floor the same.
                wanted="list of the top tenant" if tenant == "top" and floor == "sessions" else usual,
                rows="list",
            )
    yield Page("Lists", "jobs", "/jobs/", wanted="other")
    yield Page("Lists", "balances", "/billing/balances/", "balances", rows="list")


def searches(world):
    for word, kind in world.words:
        yield Page(
            "Search",
            f"what was said, {kind} word ({word})",
            address("/agents/search/", q=word),
            # Nobody would sort half a million hits by hand.
            address("search_back" if kind == "worst" else "search", words=f"'{word}'"),
            "" if kind == "worst" else address("/admin/platform/agentmessage/", q=word),
            wanted=f"search, {kind}",
            rows="search",
        )
    typed = world.part_of_name
    yield Page(
        "Search",
        "organizations, box above the list",
        address("/tenants/organizations/", q=typed),
        address("organizations", q=typed),
        address("/admin/platform/organization/", q=typed),
        wanted="search box",
        rows="list",
    )
    for name, ours, *_ in LISTS:
        yield Page("Search", f"{name}, box: what nobody has", address(ours, q="zzqqx"), wanted="box")
        yield Page("Search", f"{name}, box: an id", address(ours, q=world.short), wanted="box")
    yield Page(
        "Search", "palette", address("/search/palette/", q=typed), address("names", q=typed),
        wanted="search box", hx=True,
    )  # fmt: skip
    yield Page(
        "Search",
        "picker of organizations",
        address("/pick/tenants.organization/", name="organization", organization_search=typed),
        address("picker", q=typed),
        wanted="search box",
        hx=True,
    )


def single(world):
    for name, pk, size in (("120 turns", world.short, 120), ("20,000 turns", world.long, 150)):
        yield Page(
            "Records",
            f"transcript of {name}",
            f"/agents/sessions/{pk}/",
            address("transcript", session=pk, size=size),
            f"/admin/platform/agentsession/{pk}/change/" if size == 120 else "",
            wanted="transcript" if size == 120 else "long transcript",
            rows="turns",
        )
    agent = f"/agents/agents/{world.agent}/"
    stock = f"/admin/platform/agent/{world.agent}/change/"
    yield Page("Records", "agent", agent, address("form", agent=world.agent), wanted="record")
    yield Page(
        "Records", "edit form of an agent, open", f"{agent}edit/", address("form", agent=world.agent), stock,
        wanted="form, open",
    )  # fmt: skip
    yield Page(
        "Records",
        "edit form of an agent, save",
        f"{agent}edit/",
        address("save", agent=world.agent),
        stock,
        wanted="form, save",
        changes=("Measured once.", "Measured twice."),
    )


TAB_ROWS = 25  # SHOWN of tenants/views/tab_pages.py
# (tab, the floor's list of its rows)
TABS = (
    ("agents", "agents"), ("numbers", "tenant_numbers"), ("calls", "calls"), ("conversations", "conversations"),
    ("usage", "usage"), ("timeline", ""), ("ledger", "ledger"), ("notes", ""),
)  # fmt: skip


def overviews(world):
    yield Page("Overviews", "home", "/", "usage_by_day", wanted="dashboard")
    yield Page("Overviews", "figures, 30 days", "/figures/", "usage_by_day", wanted="dashboard")
    for tenant in ("top", "middle"):
        pk = getattr(world, tenant)
        path = f"/tenants/organizations/{pk}/"
        yield Page(
            "Overviews",
            f"{tenant} tenant",
            path,
            address("tenant", organization=pk),
            wanted="tenant page, top" if tenant == "top" else "tenant page",
        )
        for tab, rows in TABS:
            floor = rows and address("tab", list=rows, organization=pk, size=TAB_ROWS)
            yield Page(
                "Overviews",
                f"{tenant} tenant, {tab}",
                f"{path}{tab}/",
                floor,
                wanted="tab" if floor else "other",
                rows="list" if tab in ("agents", "calls", "usage", "ledger") else "",
            )
    yield Page("Overviews", "month overview", "/billing/overview/", "month", wanted="tenant page")
    yield Page(
        "Overviews", "reconciliation", "/billing/reconciliation/", "reconciliation", wanted="tenant page"
    )
    yield Page("Overviews", "settings across agents", "/agents/settings/", "settings", rows="list")
    yield Page("Overviews", "data health", "/health/", wanted="other")


ADMIN = [
    ("organizations", "tenants/organization", "organizations"),
    ("agents", "agents/agent", "agents"),
    ("sessions", "agents/agentsession", "sessions"),
    ("calls", "telephony/calllog", "calls"),
    ("usage", "billing/usagelog", "usage"),
]


def plain(world):
    """Django admin's lists, ours."""
    for name, path, floor in ADMIN:
        yield Page(
            "Django admin, ours",
            name,
            f"/admin/{path}/",
            floor,
            f"/admin/platform/{path.split('/')[1]}/",
            wanted="small list" if floor in SMALL else "list",
            rows="admin",
        )


def other(world):
    for group, name, path in others.addresses(world.some):
        yield Page(group, name, path, wanted="other")
