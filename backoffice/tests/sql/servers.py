"""Databases for the tests of db/*.sql: a private server per PostgreSQL version, templates, connections as any role.

Each server has these templates, made when first asked for:

    bare      what Supabase brings (local_supabase.sql), nothing else; `bare_granting` with the API grants of old
    fresh     bare + master_schema.sql + backoffice.sql + billing.sql + transcripts.sql + figures.sql + preview.sql
    world     fresh + two tenants with a row in every table (world.sql)
    older     bare_granting + older_shape.sql + odd_rows.sql; `upgraded` is that with the three files run over it
"""

import functools
import itertools
import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from backoffice import schema
from backoffice.embedded import EmbeddedPostgres

HERE = Path(__file__).parent
DB = HERE.parents[2] / "db"
TABLES = [
    "organizations",
    "user_profiles",
    "agents",
    "sip_trunks",
    "phone_numbers",
    "agent_sessions",
    "agent_messages",
    "chat_sessions",
    "chat_messages",
    "usage_logs",
    "call_logs",
]
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


class DebianPostgres(EmbeddedPostgres):
    """The same private server on the binaries of Debian's postgresql-15."""

    def _prepare_software(self):
        self._bin = DEBIAN_15


class Server:
    def __init__(self, major, place):
        self.major = major
        self.postgres = (DebianPostgres if major == 15 else EmbeddedPostgres)(place, major=major, fast=True)
        self.postgres.start()
        self.names = (f"t{n}" for n in itertools.count())
        self.template = functools.cache(self.template)

    def database(self, template):
        name = next(self.names)
        # A copy does not inherit its template's owner.
        owner = "embedded_admin" if template == "template0" else "postgres"
        self.postgres.create_database(name, template=self.template(template), owner=owner)
        return Database(self.postgres, name)

    def template(self, name):
        if name == "template0":
            return name
        if name in ("bare", "bare_granting"):
            database = self.database("template0")
            grants = "on" if name == "bare_granting" else "off"
            database.run("local_supabase.sql", before=f"set local_supabase.api_grants = '{grants}'")
        elif name == "fresh":
            database = self.database("bare")
            database.upgrade()
        elif name == "world":
            database = self.database("fresh")
            database.run(HERE / "world.sql", user="embedded_admin")
        elif name == "older":
            database = self.database("bare_granting")
            database.run(HERE / "older_shape.sql")
            database.run(HERE / "odd_rows.sql", user="embedded_admin")
        elif name == "upgraded":
            database = self.database("older")
            database.upgrade()
        else:
            raise LookupError(name)
        return database.name


class Database:
    def __init__(self, postgres, name):
        self.postgres = postgres
        self.name = name

    def connect(self, user="postgres", **options):
        """A new log-in, as any client would make it; commits statement by statement."""
        return psycopg.connect(
            self.postgres.url(self.name, user), autocommit=True, row_factory=dict_row, **options
        )

    def run(self, file, user=None, before=None):
        """Runs one SQL file as it stands; returns the texts of its notices and warnings."""
        path = DB / file if isinstance(file, str) else file
        user = user or ("embedded_admin" if path.name == "local_supabase.sql" else "postgres")
        notices = []
        with self.connect(user) as connection:
            connection.add_notice_handler(lambda diagnostic: notices.append(diagnostic.message_primary))
            if before:
                connection.execute(before)
            connection.execute(path.read_text())
        return notices

    def upgrade(self):
        return [notice for name in schema.OURS for notice in self.run(name)]

    def query(self, statement, *params, user="embedded_admin"):
        """Rows of one statement, committed; a list of values where it has one column."""
        with self.connect(user) as connection:
            cursor = connection.execute(statement, params or None)
            rows = cursor.fetchall() if cursor.description else []
        return [next(iter(row.values())) for row in rows] if rows and len(rows[0]) == 1 else rows

    def value(self, statement, *params, user="embedded_admin"):
        return self.query(statement, *params, user=user)[0]

    def rows(self, *tables):
        """Every row of the platform's tables as text, by table and id."""
        present = self.query(
            "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
        )
        found = {}
        with self.connect("embedded_admin") as connection:
            for table in tables or sorted(present):
                found[table] = [
                    row["row"]
                    for row in connection.execute(
                        f'select to_jsonb(t) as row from public."{table}" t order by t::text'
                    )
                ]
        return found

    def drop(self):
        self.postgres.drop_database(self.name)

    @contextmanager
    def session(self, user="embedded_admin"):
        """A transaction that is rolled back, with `attempt` for statements that may be refused."""
        with self.connect(user) as connection:
            connection.autocommit = False
            yield Session(connection)
            connection.rollback()


class Session:
    def __init__(self, connection):
        self.connection = connection

    def execute(self, statement, *params):
        return self.connection.execute(statement, params or None)

    def all(self, statement, *params):
        return self.execute(statement, *params).fetchall()

    def one(self, statement, *params):
        row = self.execute(statement, *params).fetchone()
        return next(iter(row.values())) if row and len(row) == 1 else row

    def attempt(self, statement, *params):
        """The error of a statement that is refused; None (and its effect kept) if it goes through."""
        self.execute("savepoint attempt")
        try:
            self.execute(statement, *params)
        except psycopg.Error as error:
            self.execute("rollback to savepoint attempt")
            return error
        self.execute("release savepoint attempt")
        return None

    def actor(self, name="Ada Lovelace", actor_id=7, reason="Asked for by the customer", request="req-1"):
        for setting, value in {
            "actor": name,
            "actor_id": str(actor_id),
            "reason": reason,
            "request_id": request,
        }.items():
            self.execute("select set_config(%s, %s, true)", f"backoffice.{setting}", value)
        self.execute("select set_config('credits.role', 'Finance', true)")

    def become(self, role, sub=None, headers=None):
        """What the Data API does for a request: log in as authenticator, set the role and the request's settings.

        For sessions of the superuser, who can come back with `leave`.
        """
        claims = json.dumps({"role": role, **({"sub": sub} if sub else {})})
        self.execute("set session authorization authenticator")
        self.execute(f"set local role {role}")
        self.execute("select set_config('request.jwt.claims', %s, true)", claims)
        raw = headers if isinstance(headers, str) else json.dumps(headers or {})
        self.execute("select set_config('request.headers', %s, true)", raw)

    def leave(self):
        self.execute("reset role")
        self.execute("reset session authorization")

    def as_user(self, role):
        self.execute(f"set session authorization {role}")


def available(major):
    return major != 15 or shutil.which("initdb", path=str(DEBIAN_15))
