import argparse
import contextlib
import time
from datetime import UTC, datetime

import psycopg
from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_datetime

from backoffice import schema
from backoffice.demo.load import DemoError, load, occupied_by
from backoffice.embedded import EmbeddedError
from backoffice.owner import NoOwner, owner_url


def moment(text):
    """`2026-03-01` or `2026-03-01T15:00`, in UTC."""
    try:
        at = parse_datetime(text)
    except ValueError:  # such as 31 February
        at = None
    if at is None:
        raise argparse.ArgumentTypeError(f"{text} is no date; write 2026-03-01 or 2026-03-01T15:00.")
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def this_hour():
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


class Command(BaseCommand):
    help = (
        "Fills an empty platform database with demo data: the embedded one, or with DATABASE_URL set the one in "
        "PLATFORM_OWNER_URL. The same --seed and --until give the same rows. Never runs on Supabase."
    )
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument(
            "--scale", type=int, default=1, help="times the conversations; 200 makes some 4 M messages"
        )
        parser.add_argument(
            "--until", type=moment, help="end of the data, in UTC; default: the hour that began last"
        )
        parser.add_argument("--seed", type=int, default=1, help="another seed says other things")

    def handle(self, *, scale, until, seed, **options):
        until = until or this_hour()
        if scale < 1:
            raise CommandError("--scale is a whole number from 1.")
        if until > datetime.now(UTC):
            raise CommandError("--until lies in the future; demo data ends in the past.")
        try:
            with self.owner_connection() as connection:
                self.fill(connection, options["verbosity"], scale=scale, until=until, seed=seed)
        except (DemoError, NoOwner, EmbeddedError) as error:
            raise CommandError(str(error)) from error
        except psycopg.Error as error:
            raise CommandError(f"Nothing was loaded. {schema.explain(error)}") from error

    def fill(self, connection, verbosity, **how):
        if found := occupied_by(connection):
            self.stdout.write(
                f"Nothing was done: the database holds {found} already. Demo data goes into an empty database only."
            )
            return
        started = time.monotonic()
        counts = load(connection, **how)
        seconds = time.monotonic() - started
        if not verbosity:
            return
        told = ", ".join(f"{count:,} {table}" for table, count in counts.items())
        self.stdout.write(self.style.SUCCESS(f"Demo data in {seconds:.1f} s: ") + told)

    @contextlib.contextmanager
    def owner_connection(self):
        with owner_url() as url, psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            yield connection
