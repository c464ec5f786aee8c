import os

import psycopg
from django.core.management.base import BaseCommand, CommandError

from backoffice import schema


class Command(BaseCommand):
    help = (
        "Builds the platform's database, or upgrades one that has the platform's earlier tables: runs "
        "db/master_schema.sql, backoffice.sql, billing.sql, transcripts.sql, figures.sql and preview.sql as the role "
        "in PLATFORM_OWNER_URL (on Supabase `postgres`). All may be run again; each is one transaction. The web app "
        "never reads PLATFORM_OWNER_URL."
    )
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("--check", action="store_true", help="run the files, then take everything back")

    def handle(self, *, check, **options):
        url = os.environ.get("PLATFORM_OWNER_URL")
        if not url:
            raise CommandError(
                "PLATFORM_OWNER_URL is not set. Give it the connection string of the database's owner for this one "
                "command, for example: PLATFORM_OWNER_URL=postgresql://postgres:PASSWORD@HOST:5432/postgres "
                "python manage.py platform_schema"
            )
        try:
            with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
                connection.add_notice_handler(lambda notice: self.stdout.write(f"  {notice.message_primary}"))
                if check:
                    self.stdout.write("Trying the files, keeping nothing …")
                    schema.rehearse(connection)
                    self.stdout.write(self.style.SUCCESS("They would load. Nothing was changed."))
                    return
                for name in schema.OURS:
                    self.stdout.write(f"{name} …")
                    schema.apply_on(connection, name)
        except psycopg.Error as error:
            raise CommandError(
                f"Nothing of the file that failed was kept. {schema.explain(error)}"
            ) from error
        self.stdout.write(
            self.style.SUCCESS("Loaded.") + " Next: give the roles passwords "
            "(alter role backoffice password '…'), then manage.py migrate."
        )
