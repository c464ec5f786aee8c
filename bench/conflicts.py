"""Measures the conflicts of numbers and trunks: rule by rule read live, a look, following changes, the pages.

    python bench/generate.py --numbers 100000 --calls 500000 --messages 2000 --sessions 2000 --usage 2000
    python bench/conflicts.py

Medians of 5 after a first run, in milliseconds; what is followed is followed once. Changes the generated rows: some
numbers lose their agent.
"""

import statistics
import time

import database  # first: it puts the project on the path

from backoffice.embedded import EmbeddedPostgres

RUNS = 5


def median(function):
    function()
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        function()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def main():
    with EmbeddedPostgres(database.PLACE) as server:
        database.point_django_at(server)
        from django.conf import settings
        from django.core.management import call_command
        from django.db import connection
        from django.test import Client

        from backoffice.testing import make_user
        from telephony import conflicts
        from telephony.conflicts import looking, sql
        from telephony.models import PhoneNumber

        settings.ALLOWED_HOSTS = ["*"]
        call_command("migrate", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("set statement_timeout = 0")

            def read(part):
                cursor.execute(f"select count(*) from ({part.format(**sql.ALL_OF_THEM)}) f", looking.values())
                return cursor.fetchone()[0]

            live = [median(lambda part=part: read(part)) for part in sql.NUMBERS + sql.TENANTS]
        print(f"all rules read live   {sum(live):8.0f}")
        print(
            f"look over everything  {median(conflicts.look):8.0f}   {sum(conflicts.counts().values()):,} conflicts"
        )
        print(f"counts                {median(conflicts.counts):8.1f}")
        changed = list(PhoneNumber.objects.active().exclude(agent=None).values_list("pk", flat=True)[:100])
        with server.connect(database.NAME) as owner:
            owner.execute("update public.phone_numbers set agent_id = null where id = any (%s)", [changed])
        started = time.perf_counter()
        conflicts.follow()
        print(f"follow 100 changes    {(time.perf_counter() - started) * 1000:8.0f}")
        user = make_user("manager", email=f"bench{time.time()}@example.test")
        client = Client()
        client.force_login(user)
        time.sleep(1)
        number = PhoneNumber.objects.get(pk=changed[0])
        for label, url in (
            ("page of conflicts", "/telephony/conflicts/"),
            ("page of one rule", "/telephony/conflicts/?rule=silent"),
            ("page of a number", number.get_absolute_url()),
            ("list of numbers", "/telephony/numbers/"),
        ):
            print(f"{label:<22}{median(lambda url=url: client.get(url)):8.0f}")
        user.delete()


if __name__ == "__main__":
    main()
