import time

import psycopg
from django.core.management.base import BaseCommand, CommandError

from backoffice import schema
from backoffice.embedded import EmbeddedError
from backoffice.health import building
from backoffice.owner import NoOwner, owner_url


class Command(BaseCommand):
    help = (
        "Builds the indexes that pages need and the database lacks (page Data health), one at a time and without "
        "stopping anybody: CREATE INDEX CONCURRENTLY, as the role in PLATFORM_OWNER_URL, with its progress. What an "
        "earlier run left invalid is dropped and built anew. May be stopped and run again; ends with status 1 if "
        "something failed. Needs a direct or session-mode connection."
    )
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, do nothing")
        parser.add_argument(
            "--lock-timeout",
            type=float,
            default=30,
            metavar="SECONDS",
            help="give an index up that waits longer than this for a lock or an older transaction (30)",
        )

    def handle(self, *, dry_run, lock_timeout, **options):
        if not 0 < lock_timeout <= 86_400:
            raise CommandError("--lock-timeout is a number of seconds above 0, at most a day.")
        try:
            with owner_url() as url, building.connect(url, lock_timeout) as connection:
                if not dry_run:
                    building.take_turn(connection)
                failed = self.work(connection, url, dry_run=dry_run)
        except (NoOwner, EmbeddedError, building.AlreadyBuilding) as error:
            raise CommandError(str(error)) from error
        except psycopg.Error as error:
            raise CommandError(f"The database did not go along. {schema.explain(error)}") from error
        if failed:
            raise CommandError(f"{failed} not built; see above. Run it again: what is done stays done.")

    def work(self, connection, url, *, dry_run):
        """Returns how many failed."""
        plan = building.plan(connection)
        if not plan:
            self.stdout.write(self.style.SUCCESS("Every index that pages need is there."))
            return 0
        if dry_run:
            self.tell(connection, plan)
            return 0
        failed = 0
        for table, name in plan.drops:
            failed += not self.attempt(
                connection, f"Dropping {name} of {table}, which is invalid", building.drop, table, name
            )
        for number, missing in enumerate(plan.builds, 1):
            rows, size = building.size_of(connection, missing.table)
            title = (
                f"[{number}/{len(plan.builds)}] {missing.table} {missing.sentence} "
                f"(about {rows:,} rows, {size / 1024 / 1024:,.0f} MB)"
            )
            failed += not self.attempt(connection, title, building.build, url, missing, self.progress)
        for table in dict.fromkeys(missing.table for missing in plan.builds):
            self.attempt(connection, f"Collecting the planner's figures of {table}", building.analyze, table)
        if not failed:
            self.stdout.write(self.style.SUCCESS("Done. Every index that pages need is there."))
        return failed

    def tell(self, connection, plan):
        for table, name in plan.drops:
            self.stdout.write(f"Would drop {name} of {table}, which is invalid.")
        for missing in plan.builds:
            rows, size = building.size_of(connection, missing.table)
            self.stdout.write(
                f"Would build {missing.table} {missing.sentence} (about {rows:,} rows, {size / 1024 / 1024:,.0f} MB)."
            )
        self.stdout.write("Nothing was done.")

    def attempt(self, connection, title, deed, *args):
        """Does one thing and says how it went; returns whether it did."""
        self.stdout.write(f"{title} …")
        self.stdout.flush()
        began = time.monotonic()
        try:
            deed(connection, *args)
        except psycopg.errors.LockNotAvailable:
            self.stderr.write(
                "  given up: a lock or an older transaction was in its way. "
                f"{building.in_the_way(connection) or 'It is gone by now.'}"
            )
            return False
        except psycopg.OperationalError:
            raise  # the connection is gone: nothing else would go better
        except psycopg.Error as error:
            self.stderr.write(f"  failed: {schema.explain(error)}")
            return False
        self.stdout.write(f"  done in {building.seconds_since(began)}")
        return True

    def progress(self, text):
        self.stdout.write(f"  {text}")
        self.stdout.flush()
