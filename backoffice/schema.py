"""Loads db/*.sql. Each file is one transaction, may be run again, and needs no psql."""

import hashlib
import re

import psycopg
from django.conf import settings
from psycopg import sql

SQL_DIR = settings.BASE_DIR / "db"
LOCAL = "local_supabase.sql"  # by a superuser; embedded and test databases only
MASTER = "master_schema.sql"  # by `postgres`
BACKOFFICE = "backoffice.sql"  # by `postgres`, after the master schema
BILLING = "billing.sql"  # by `postgres`, after these two
TRANSCRIPTS = "transcripts.sql"  # by `postgres`, after billing
FIGURES = "figures.sql"  # by `postgres`, after transcripts
PREVIEW = "preview.sql"  # by `postgres`, last
OURS = (MASTER, BACKOFFICE, BILLING, TRANSCRIPTS, FIGURES, PREVIEW)
FILES = (LOCAL, *OURS)


def apply(url, *names, out=None):
    """Runs files of db/ over one connection, as whoever `url` logs in. Raises psycopg.Error, nothing is half done.

    `out` is called with each notice of the server, such as the policies that were dropped.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        apply_on(connection, *names, out=out)


def apply_on(connection, *names, out=None):
    """The same over an open connection in autocommit mode."""
    if out:
        connection.add_notice_handler(lambda notice: out(notice.message_primary))
    try:
        for name in names:
            connection.execute((SQL_DIR / name).read_text())
    except psycopg.Error:
        connection.rollback()
        raise


def set_password(connection, role, password):
    """Gives a role a password. What is sent is made from it, so no log of the server has it."""
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    statement = sql.SQL("alter role {} password {}").format(sql.Identifier(role), sql.Literal(verifier))
    connection.execute(statement)


def rehearse(connection):
    """Runs our six files in one transaction and takes everything back."""
    connection.execute("begin")
    try:
        for name in OURS:
            connection.execute(re.sub(r"(?m)^(begin|commit);$", "", (SQL_DIR / name).read_text()))
    finally:
        connection.rollback()


def apply_all(server, dbname, out=None):
    """Builds or upgrades a database of the embedded server: what Supabase brings, then our six files."""
    apply(server.url(dbname, "embedded_admin"), LOCAL, out=out)
    apply(server.url(dbname, "postgres"), *OURS, out=out)


def fingerprint():
    """Changes when one of the files does."""
    return hashlib.sha256(b"\0".join((SQL_DIR / name).read_bytes() for name in FILES)).hexdigest()


def explain(error):
    """What the server said, for a person: message, detail and hint."""
    parts = [error.diag.message_primary or str(error), error.diag.message_detail, error.diag.message_hint]
    return " ".join(part.strip() for part in parts if part)
