"""What stands still while people talk: logins, profiles, organizations, agents, trunks, numbers."""

import json
import math
import random
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from backoffice.demo import agents as agent_rows
from backoffice.demo.names import PEOPLE
from backoffice.demo.tenants import Tenant, grown

NAMESPACE = uuid.UUID("6f0a3f6e-5d0b-4f0e-9d34-2f3a5b1c7e90")

COLUMNS = {
    "logins": ("id", "email", "phone", "raw_user_meta_data", "created_at"),
    "user_profiles": (
        "id", "email", "full_name", "company_name", "phone_number", "avatar_url", "subscription_tier",
        "stripe_customer_id", "stripe_subscription_id", "created_at", "updated_at",
    ),
    "organizations": ("id", "name", "owner_id", "credits_balance", "created_at", "updated_at"),
    "agents": agent_rows.COLUMNS,
    "sip_trunks": ("id", "organization_id", "provider", "username", "password", "sip_domain", "created_at"),
    "phone_numbers": (
        "id", "organization_id", "agent_id", "phone_number", "provider", "provider_sid", "status", "created_at",
    ),
}  # fmt: skip

PROVIDERS = ("twilio", "telnyx", "livekit")
GROWTH = 80  # days in which traffic grows by the factor e

# Balance at birth: one organization was created with credits, one never had a balance.
BORN_WITH = {"no-profile": "8.00", "blank-balance": None}


def fixed_id(*parts):
    """The same id for the same thing, whatever the seed: pages can be linked and photographed."""
    return str(uuid.uuid5(NAMESPACE, "/".join(map(str, parts))))


@dataclass
class Home:
    """A tenant with the ids of what it owns."""

    tenant: Tenant
    factor: float  # by which the scale multiplies its conversations
    organization_id: str
    owner_id: str
    signed_up: datetime
    agents: list = field(default_factory=list)
    numbers: list = field(default_factory=list)

    def times(self, count):
        return round(count * self.factor)


class World:
    """`rows[table]` holds tuples in the order of COLUMNS; `homes` what conversations are made for, by slug."""

    def __init__(self, *, seed, until, scale):
        self.seed = seed
        self.until = until
        self.scale = scale
        self.homes = {}
        self.rows = {table: [] for table in COLUMNS}
        self._dealt = {}
        for tenant, factor in grown(scale):
            self._settle(tenant, factor)
        self._close_a_tenant()

    def rng(self, *parts):
        """Chance for one thing only: what is drawn for one conversation moves no other."""
        return random.Random("/".join(map(str, (self.seed, *parts))))

    def ago(self, days):
        return self.until - timedelta(days=days)

    def moment(self, rng, *, oldest, newest=0, hours=0):
        """A time that fits people: by day in their zone, fewer at weekends, more of late; never in the future."""
        span = oldest - newest
        # Traffic doubles about every two months.
        days = int(newest - GROWTH * math.log(1 - rng.random() * (1 - math.exp(-span / GROWTH))))
        local = self.until + timedelta(hours=hours)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        at = midnight - timedelta(days=days) + timedelta(hours=rng.triangular(7, 22, 12))
        rests = rng.random() < 0.45
        sooner, spare = rng.randrange(2, 6), rng.random()
        if rests and at.weekday() >= 5:
            at -= timedelta(days=sooner)
        at -= timedelta(hours=hours)
        while at > self.ago(newest) - timedelta(minutes=10):
            at -= timedelta(days=1)
        if at < self.ago(oldest):
            at = self.ago(oldest) + spare * timedelta(days=min(span, 1) / 2)
        return at

    # Inside

    def _settle(self, tenant, factor):
        rng = self.rng(tenant.slug, "home")
        signed_up = self.ago(tenant.age)
        organization_id = fixed_id(tenant.slug, "organization")
        if tenant.owned_by:
            owner_id = self.homes[tenant.owned_by].owner_id
        else:
            owner_id = fixed_id(tenant.slug, "login")
            self._sign_up(rng, tenant, owner_id, signed_up)
        home = Home(tenant, factor, organization_id, owner_id, signed_up)
        self.homes[tenant.slug] = home
        # The organization with nothing set has no times either: lists must reach it all the same.
        born = None if tenant.balance is None else signed_up
        self.rows["organizations"].append(
            (organization_id, tenant.name, owner_id, BORN_WITH.get(tenant.slug, "0.00"), born, born)
        )
        for number in range(tenant.agents):
            self._add_agent(rng, home, number)
        for number in range(tenant.trunks):
            self._add_trunk(rng, home, number)
        for number in range(tenant.numbers):
            self._add_number(rng, home, number)

    def _sign_up(self, rng, tenant, login_id, at):
        mailbox = mailbox_of(tenant.owner) or "info"
        email = f"{mailbox}@{tenant.slug}.example"
        phone = None
        if tenant.slug == "phone-login":
            email, phone = None, "+14155550199"
        metadata = {} if tenant.owner is None else {"full_name": tenant.owner}
        if tenant.name != "My Organization":
            metadata["company_name"] = tenant.name
        # Without an address the sign-up trigger writes one that cannot receive mail (db/master_schema.sql).
        self.rows["logins"].append((login_id, email, phone, json.dumps(metadata, ensure_ascii=False), at))
        seen = at + timedelta(days=tenant.age * rng.random())
        self.rows["user_profiles"].append(
            (
                login_id,
                email or f"{login_id}@no-mail.invalid",
                tenant.owner,
                tenant.name if tenant.owner and rng.random() < 0.6 else None,
                f"+1415555{rng.randrange(100, 200):04}" if tenant.owner and rng.random() < 0.5 else None,
                None,
                tenant.tier,
                f"cus_demo{rng.getrandbits(40):010x}" if tenant.stripe else None,
                f"sub_demo{rng.getrandbits(40):010x}" if tenant.stripe and tenant.tier == "pro" else None,
                at,
                seen,
            )
        )

    def _add_agent(self, rng, home, number):
        tenant = home.tenant
        created = home.signed_up + timedelta(days=tenant.age * 0.4 * rng.random() * (number > 0))
        agent, row = agent_rows.make_agent(
            rng,
            tenant,
            number,
            id=fixed_id(tenant.slug, "agent", number),
            organization_id=home.organization_id,
            created_at=created,
            updated_at=created + timedelta(days=tenant.age * 0.5 * rng.random()),
        )
        if number < tenant.numbers:  # it answers one; of all tenants only one lets a draft do that
            row["is_published"] = (tenant.slug, number) != ("harrow-finch", 1)
        home.agents.append(agent)
        self.rows["agents"].append(agent_rows.agent_tuple(row))

    def _add_trunk(self, rng, home, number):
        provider = PROVIDERS[number % 3]
        bare = home.tenant.slug == "cobalt-it" and number == 1  # bought, never set up
        self.rows["sip_trunks"].append(
            (
                fixed_id(home.tenant.slug, "trunk", number),
                home.organization_id,
                provider,
                None if bare else f"{home.tenant.slug}-{number + 1}",
                None if bare else f"demo-password-{rng.randrange(1000)}",
                None if bare else f"{home.tenant.slug}.sip.{provider}.example",
                home.signed_up + timedelta(days=home.tenant.age * 0.5 * rng.random()),
            )
        )

    def _add_number(self, rng, home, number):
        tenant = home.tenant
        e164 = self._deal_number(tenant.area)
        agent_id = home.agents[number % len(home.agents)].id
        status = "active"
        match tenant.slug, number:
            case "maple-street", 0:
                agent_id = self.homes["riverbend-dental"].agents[0].id
            case "harborline", 0:
                agent_id = None
            case "harborline", 1:
                e164 = f"+1 ({tenant.area}) 555-01{number:02}"
            case "harborline", 2:
                status = None
            case "cobalt-it", 2:
                status = "porting"
            case "okafor-holdings", 0:
                status = "released"
        number_id = fixed_id(tenant.slug, "number", number)
        home.numbers.append(number_id)
        provider = "twilio" if number % 4 < 3 else "telnyx"
        sid = f"PN{rng.getrandbits(128):032x}" if provider == "twilio" else None
        if number < tenant.trunks and tenant.slug != "cobalt-it":  # whose second trunk nothing uses
            provider = PROVIDERS[number % 3]
        self.rows["phone_numbers"].append(
            (
                number_id,
                home.organization_id,
                agent_id,
                e164,
                provider,
                sid,
                status,
                home.signed_up + timedelta(minutes=50 * rng.random()),
            )
        )

    def _deal_number(self, area):
        """The next number of the range that a country keeps free for fiction."""
        n = self._dealt[area] = self._dealt.get(area, -1) + 1
        if area == "UK":
            return f"+4420794600{n:02}"
        if area == "DE":
            return f"+493023125{n:03}"
        return f"+1{area}55501{n:02}"

    def _close_a_tenant(self):
        """An organization that load.py deletes again: only login, profile and ledger remember it."""
        at = self.ago(300)
        login_id = fixed_id("bluefin", "login")
        email = "ravi@bluefin.example"
        self.rows["logins"].append((login_id, email, None, '{"company_name": "Bluefin Travel"}', at))
        profile = (login_id, email, "Ravi Deshmukh", "Bluefin Travel", None, None, "free", None, None, at, at)
        self.rows["user_profiles"].append(profile)
        self.closed_id = fixed_id("bluefin", "organization")
        self.rows["organizations"].append((self.closed_id, "Bluefin Travel", login_id, "120.00", at, at))


def mailbox_of(name):
    for people in PEOPLE.values():
        for known, mailbox in people:
            if known == name:
                return mailbox
    return None
