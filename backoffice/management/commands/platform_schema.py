import os

import psycopg
from django.core.management.base import BaseCommand, CommandError

from backoffice import schema

# {login role: the environment variable with the password that it is to have}
PASSWORDS = {"backoffice": "BACKOFFICE_PASSWORD", "backoffice_preview": "PREVIEW_PASSWORD"}


class Command(BaseCommand):
    help = (
        "Builds the platform's database, or upgrades one that has the platform's earlier tables: runs "
        "db/master_schema.sql, backoffice.sql, billing.sql, transcripts.sql, figures.sql and preview.sql as the role "
        "in PLATFORM_OWNER_URL (on Supabase `postgres`). All may be run again; each is one transaction. The web app "
        "never reads PLATFORM_OWNER_URL. BACKOFFICE_PASSWORD and PREVIEW_PASSWORD, if they are set, become the "
        "passwords of roles backoffice and backoffice_preview."
    )
    requires_system_checks = ()

    def add_arguments(self, parser):
        only = parser.add_mutually_exclusive_group()
        only.add_argument("--check", action="store_true", help="run the files, then take everything back")
        only.add_argument("--only-password", action="store_true", help="run no file, set passwords alone")
        only.add_argument(
            "--stand-in",
            action="store_true",
            help="a local database, to try things: PLATFORM_OWNER_URL is a superuser's, and what Supabase brings is "
            "made first (db/local_supabase.sql)",
        )

    def handle(self, *, check, only_password, stand_in, **options):
        url = os.environ.get("PLATFORM_OWNER_URL")
        passwords = {role: word for role, name in PASSWORDS.items() if (word := os.environ.get(name))}
        if not url:
            raise CommandError(
                "PLATFORM_OWNER_URL is not set. Give it the connection string of the database's owner for this one "
                "command, for example: PLATFORM_OWNER_URL=postgresql://postgres:PASSWORD@HOST:5432/postgres "
                "python manage.py platform_schema"
            )
        if only_password and not passwords:
            raise CommandError(
                "BACKOFFICE_PASSWORD is not set: it is the password to give to role backoffice. PREVIEW_PASSWORD is "
                "that of role backoffice_preview."
            )
        try:
            with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
                connection.add_notice_handler(lambda notice: self.stdout.write(f"  {notice.message_primary}"))
                if check:
                    self.stdout.write("Trying the files, keeping nothing …")
                    schema.rehearse(connection)
                    self.stdout.write(self.style.SUCCESS("They would load. Nothing was changed."))
                    return
                if not only_password:
                    self.load(connection, stand_in)
                for role, password in passwords.items():
                    schema.set_password(connection, role, password)
        except psycopg.Error as error:
            raise CommandError(
                f"Nothing of the file that failed was kept. {schema.explain(error)}"
            ) from error
        done = f"The password is set: {', '.join(passwords)}." if only_password else "Loaded."
        self.stdout.write(self.style.SUCCESS(done))
        if only_password:
            self.stdout.write(
                "Next: put it into DATABASE_URL or PREVIEW_DATABASE_URL, and start web and worker again."
            )
        elif "backoffice" in passwords:
            self.stdout.write("Next: manage.py migrate.")
        else:
            self.stdout.write(
                "Next: give the roles passwords (alter role backoffice password '…'), then manage.py migrate."
            )

    def load(self, connection, stand_in):
        if stand_in:
            self.stdout.write(f"{schema.LOCAL} …")
            schema.apply_on(connection, schema.LOCAL)
            connection.execute("set session authorization postgres")  # who is no superuser, as on Supabase
        for name in schema.OURS:
            self.stdout.write(f"{name} …")
            schema.apply_on(connection, name)
