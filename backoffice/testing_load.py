"""Many people at once on a served app, each of whose postings is known: for bench/faults.py and the suite."""

import collections
import http.client
import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from decimal import Decimal

from backoffice.testing_crud import Forms
from backoffice.testing_faults import signed_in

PAGES = (
    "/", "/tenants/organizations/", "/billing/ledger/", "/agents/agents/", "/jobs/", "/search/?q=tenant", "/me/",
)  # fmt: skip
KEY = "idempotency_key"
POSTINGS_SHARE = 0.4
GIVE_UP_SECONDS = 30  # a posting that nobody answers for so long stays undecided


@dataclass(frozen=True)
class Answer:
    asked_at: float  # seconds since the load began
    seconds: float
    status: int  # 0: no answer


@dataclass
class Load:
    """`users` people in threads, signed in as `accounts`, look at pages and post credits until stop()."""

    web: object
    database: object
    users: int
    tenants: list
    pause: float = 1.0
    accounts: int = 5
    answers: list = field(default_factory=list)
    postings: dict = field(default_factory=dict)  # {key: (tenant, amount, whether it was answered as done)}
    odd: list = field(default_factory=list)  # answers that nobody should get

    def start(self):
        from backoffice.testing import make_user

        with self.database.django():
            for number in range(self.accounts):
                make_user("finance", email=f"finance{number}@example.test")
        people = [signed_in(self.database, f"finance{n}") for n in range(self.accounts)]
        for path in PAGES * 3:  # the first pages of a process take longer
            self.web.ask(path, people[0][1])
        self.began = time.monotonic()
        self.stopping = threading.Event()
        self.threads = [
            threading.Thread(target=self.be_somebody, args=[number, *people[number % self.accounts][1:]])
            for number in range(self.users)
        ]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def now(self):
        return time.monotonic() - self.began

    def be_somebody(self, number, cookie, token):
        chance = random.Random(number)
        self.stopping.wait(chance.random() * self.pause)
        while not self.stopping.is_set():
            if chance.random() < POSTINGS_SHARE:
                self.post(chance, cookie, token)
            else:
                self.ask(chance.choice(PAGES), cookie)
            self.stopping.wait(self.pause * (0.5 + chance.random()))

    def ask(self, path, cookie, data=None):
        asked_at = self.now()
        try:
            response = self.web.ask(path, cookie, data)
            status, text = response.status, response.text
            if "/accounts/" in response.headers.get("Location", ""):
                status, text = 401, "signed out"
        except (OSError, http.client.HTTPException) as error:
            status, text = 0, repr(error)
        self.answers.append(Answer(asked_at, self.now() - asked_at, status))
        if status not in (200, 302, 409, 503):
            self.odd.append((status, path, text[-300:]))
        return status, text

    def post(self, chance, cookie, token):
        """One posting, sent until it is decided: as the 503 page offers it, or as the form that is shown again."""
        tenant = chance.choice(self.tenants)
        path = f"/billing/credits/{tenant}/post/"
        status, text = self.ask(path, cookie)
        if status != 200:
            return
        amount = Decimal(chance.randrange(1, 10_000)) / 100
        data = form_of(text) | {
            "kind": "correction", "amount": str(amount), "reason": "Load", "csrfmiddlewaretoken": token,
        }  # fmt: skip
        until = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < until:
            self.postings[data[KEY]] = (tenant, amount, False)
            status, text = self.ask(path, cookie, data)
            if status == 302:
                self.postings[data[KEY]] = (tenant, amount, True)
                return
            if status in (409, 503):
                data = form_of(text) | {"csrfmiddlewaretoken": token}
            time.sleep(0.2 + chance.random() * 0.3)

    def faults_in_the_books(self):
        """What is wrong in the end, as sentences; none if every posting counts once and all balances are explained."""
        with self.database.connect("postgres") as owner:
            rows = owner.execute(
                "select idempotency_key::text as key, organization_id, amount from credit_transactions "
                "where reason = 'Load'"
            ).fetchall()
            drift = owner.execute(
                "select count(*) as n from organizations o where credits_balance <> "
                "(select coalesce(sum(amount), 0) from credit_transactions where organization_id = o.id)"
            ).fetchone()["n"]
        made = collections.Counter(row["key"] for row in rows)
        done = [key for key, (*_, is_done) in self.postings.items() if is_done]
        lost = sum(key not in made for key in done)
        twice = sum(number > 1 for number in made.values())
        wrong = sum(
            self.postings.get(row["key"], ())[:2] != (row["organization_id"], row["amount"]) for row in rows
        )
        found = {
            "answered as done and not in the ledger": lost,
            "in the ledger twice": twice,
            "in the ledger otherwise than sent": wrong,
            "balances that their postings do not explain": drift,
        }
        return [f"{number} {words}" for words, number in found.items() if number]


def form_of(html):
    """What the form of a posting would send: of its own page, of one shown again, or of a 503 page."""
    return next(form["data"] for form in Forms(html).forms if KEY in form["data"])


def new_tenants(database, number):
    """Ids of so many tenants without a balance."""
    with database.connect("postgres") as owner:
        owner.execute("update billing.credit_limit set per_day = 9999999999 where name = 'Finance'")
        found = []
        for _ in range(number):
            login = owner.execute(
                "insert into auth.users (id, email) values (%s, %s) returning id",
                [uuid.uuid4(), f"{uuid.uuid4()}@example.test"],
            ).fetchone()["id"]
            tenant = owner.execute("select id from organizations where owner_id = %s", [login]).fetchone()
            owner.execute("update organizations set credits_balance = 0 where id = %s", [tenant["id"]])
            found.append(tenant["id"])
        return found
