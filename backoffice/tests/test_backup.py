"""The lines of docs/deployment.md for backup and restore, run as they stand there, and what is left afterwards."""

import os
import re
import subprocess
import sys

import psycopg
import pytest

from backoffice import schema, testing
from backoffice.models import User
from backoffice.settings import BASE_DIR
from billing.tests.factories import make_posting
from tenants.tests.factories import make_organization

COUNTS = {
    "entries of the audit": "select count(*) from audit.event",
    "rows of the ledger": "select count(*) from public.credit_transactions",
    "sum of the ledger": "select sum(amount) from public.credit_transactions",
    "balances": "select sum(credits_balance) from public.organizations",
    "profiles": "select count(*) from public.user_profiles",
    "accounts": "select count(*) from backoffice.backoffice_user",
    "triggers": "select count(*) from pg_trigger where not tgisinternal",
    "policies": "select count(*) from pg_policies",
    "functions": "select count(*) from pg_proc where pronamespace::regnamespace::text not in ('pg_catalog')",
}


def counts(database):
    with psycopg.connect(database.owner_url) as owner:
        return {name: owner.execute(query).fetchone()[0] for name, query in COUNTS.items()}


def lines_of(name):
    """The block of the page that is marked with a name."""
    text = (BASE_DIR / "docs" / "deployment.md").read_text()
    (block,) = re.findall(rf"^```sh {name}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return block


@pytest.fixture
def shell(embedded, tmp_path):
    """Runs a block of the page in an empty folder: shell(name, **variables)."""
    embedded._prepare_software()
    path = f"{embedded._bin}:{os.path.dirname(sys.executable)}:{os.defpath}"
    (tmp_path / "manage.py").symlink_to(BASE_DIR / "manage.py")

    def run(name, **variables):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", lines_of(name)],
            cwd=tmp_path,
            env={"PATH": path, "SECRET_KEY": "only-for-tests", "ALLOWED_HOSTS": "localhost", **variables},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return run


def test_what_is_restored_is_what_was_there_and_books_nothing_twice(fresh_database, embedded, shell):
    with fresh_database.platform():
        organization = make_organization(name="Kept")
        make_posting(organization)
    with fresh_database.django():
        testing.make_user("finance")
    before = counts(fresh_database)
    assert before["sum of the ledger"] == before["balances"] and before["entries of the audit"] > 0

    shell("backup", PLATFORM_OWNER_URL=fresh_database.owner_url)
    name = f"test_pid{os.getpid()}_restored"
    embedded.create_database(name, owner="postgres")
    try:
        schema.apply(embedded.url(name, "embedded_admin"), schema.LOCAL)  # what Supabase brings
        restored = testing.Database(embedded, name)
        shell("restore", RESTORED_OWNER_URL=restored.owner_url, RESTORED_URL=restored.url)
        assert counts(restored) == before
        with restored.django():
            assert User.objects.get().email == "finance@example.test"
        with psycopg.connect(restored.owner_url) as owner:
            owner.execute("update public.organizations set credits_balance = credits_balance + 5")
            query = "select kind, amount from public.credit_transactions order by created_at desc, id desc limit 1"
            assert owner.execute(query).fetchone() == ("outside", 5)  # its triggers are at work
            with pytest.raises(psycopg.Error):
                owner.execute("delete from public.credit_transactions")
    finally:
        embedded.drop_database(name)


class TestRotation:
    """What docs/deployment.md says about keys."""

    def test_an_earlier_secret_key_keeps_everybody_signed_in(self, support_client, settings):
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
        assert support_client.get("/me/").status_code == 200

    def test_without_the_earlier_secret_key_everybody_signs_in_again(self, support_client, settings):
        settings.SECRET_KEY = "another"
        assert support_client.get("/me/").url.startswith("/accounts/login/")

    def test_the_passwords_of_the_roles_are_set_without_being_sent(self, embedded, monkeypatch, capsys):
        from django.core.management import call_command

        monkeypatch.setenv("PLATFORM_OWNER_URL", embedded.url("postgres", "embedded_admin"))
        monkeypatch.setenv("BACKOFFICE_PASSWORD", "a new pässword")
        monkeypatch.setenv("PREVIEW_PASSWORD", "another")
        call_command("platform_schema", only_password=True)
        with embedded.connect() as server:
            query = "select rolpassword from pg_authid where rolname in ('backoffice', 'backoffice_preview')"
            kept = [word for (word,) in server.execute(query)]
        assert len(kept) == 2 and all(word.startswith("SCRAM-SHA-256$") for word in kept)
        assert "password is set" in capsys.readouterr().out
