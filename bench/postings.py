"""Shows that a hundred postings at once on one balance add up, with the platform's own updates mixed in.

    python bench/postings.py                # var/bench-postings; --runs, --postings, --place

Each run opens a hundred forms of ten people in finance, and sends all of them at the same moment through the real view
(middleware, templates, role `backoffice` and all; no network), each of them twice. A form that is shown again because
the balance moved is sent again, as a person would. Meanwhile two connections of the platform deduct. A run is exact if
the balance is what it was plus all amounts, the ledger's running balance says so row by row, and every form made one
row. The exit status is 1 if a run was not.
"""

import argparse
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import database  # first: it puts the project on the path

NAME = "postings"
PEOPLE = 10
DEDUCTIONS = 50  # of each of the two connections
DEDUCTED = Decimal("0.37")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    place = database.ROOT / "var" / "bench-postings"
    parser.add_argument("--place", type=Path, default=place, help="folder of the server (var/bench-postings)")
    parser.add_argument("--runs", type=int, default=20, help="how often (20)")
    parser.add_argument("--postings", type=int, default=100, help="postings at once (100)")
    options = parser.parse_args()
    from backoffice.embedded import EmbeddedPostgres

    with EmbeddedPostgres(options.place) as server, server.connect() as connection:
        # Each form has a connection of its own, so that all of them are in the database at once.
        connection.execute(f"alter system set max_connections = {2 * options.postings + 50}")
    with EmbeddedPostgres(options.place) as server:
        prepare(server)
        exact = 0
        for number in range(1, options.runs + 1):
            began = time.perf_counter()
            faults = run(server, options.postings)
            exact += not faults
            seconds = time.perf_counter() - began
            print(f"run {number:>2}: {'; '.join(faults) or 'exact'} ({seconds:.1f} s)", flush=True)
    print(f"\nExact: {exact}/{options.runs}, {options.postings} postings at once in each.")
    raise SystemExit(exact != options.runs)


def prepare(server):
    """A database of its own, with the schema, the accounts, and limits that do not stand in the way."""
    server.drop_database(NAME)
    server.create_database(NAME)
    database.NAME = NAME
    database.point_django_at(server)
    from django.conf import settings
    from django.contrib.auth.models import Group
    from django.core.management import call_command

    from backoffice import schema
    from backoffice.models import User

    schema.apply_all(server, NAME)
    call_command("migrate", verbosity=0)
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    role = Group.objects.get(name="Finance")
    for number in range(PEOPLE):
        user = User.objects.create(email=f"finance{number}@example.test", first_name=f"Finance {number}")
        user.groups.set([role])
    with server.connect(NAME, "postgres") as owner:
        owner.execute("update billing.credit_limit set per_day = 9999999999 where name = 'Finance'")


def run(server, postings):
    """What was not exact, as a list of words."""
    from django.test import Client
    from django.urls import reverse

    from backoffice.models import User
    from backoffice.testing import sign_in
    from backoffice.testing_crud import form_values

    with server.connect(NAME, "postgres") as owner:
        login = owner.execute(
            "insert into auth.users (id, email) values (gen_random_uuid(), gen_random_uuid() || '@example.test')"
            " returning id"
        ).fetchone()[0]
        (tenant,) = owner.execute(
            "update organizations set credits_balance = 1000 where owner_id = %s returning id", [login]
        ).fetchone()
    page = reverse("billing:post_credit", args=[tenant])
    clients = []
    for user in User.objects.filter(email__endswith="@example.test")[:PEOPLE]:
        clients.append(Client())
        sign_in(clients[-1], user)
    forms = []
    for number in range(postings):
        client = clients[number % PEOPLE]
        amount = Decimal(number + 1) / 100 * (-1) ** number
        typed = {"kind": "correction", "amount": str(amount), "reason": f"Form {number}"}
        forms.append((client.cookies, {**form_values(client.get(page)), **typed}, amount))
    start = threading.Barrier(postings + 2)

    def send(cookies, data):
        from django.db import connections

        client = Client()
        client.cookies = cookies
        try:
            start.wait()
            for _ in range(2):
                response = client.post(page, data)
                if response.status_code == 409:
                    response = client.post(page, form_values(response))
            return response.status_code
        finally:
            connections.close_all()

    def deduct():
        with server.connect(NAME, "postgres") as platform:
            start.wait()
            for _ in range(DEDUCTIONS):
                platform.execute(
                    "update organizations set credits_balance = credits_balance - %s where id = %s",
                    [DEDUCTED, tenant],
                )

    with ThreadPoolExecutor(postings + 2) as pool:
        runtime = [pool.submit(deduct) for _ in range(2)]
        answers = [pool.submit(send, cookies, data) for cookies, data, _ in forms]
        statuses = {answer.result() for answer in answers}
        for deductions in runtime:
            deductions.result()
    expected = 1000 + sum(amount for *_, amount in forms) - 2 * DEDUCTIONS * DEDUCTED
    return list(
        faults_of(server, tenant, expected, [data["idempotency_key"] for _, data, _ in forms], statuses)
    )


def faults_of(server, tenant, expected, keys, statuses):
    with server.connect(NAME, "postgres") as owner:
        (balance,) = owner.execute(
            "select credits_balance from organizations where id = %s", [tenant]
        ).fetchone()
        rows = owner.execute(
            "select amount, balance_after, idempotency_key from credit_transactions where organization_id = %s"
            " order by id",
            [tenant],
        ).fetchall()
    if balance != expected:
        yield f"the balance is {balance} instead of {expected}"
    if sorted(key for *_, key in rows if key) != sorted(keys):
        yield f"{len(keys)} forms made {sum(bool(key) for *_, key in rows)} rows"
    running = Decimal(0)
    for amount, after, _ in rows:
        running += amount
        if after != running:
            yield f"a row says {after} where the ledger adds up to {running}"
            return
    if statuses != {302}:
        yield f"answers {sorted(statuses)}"


if __name__ == "__main__":
    main()
