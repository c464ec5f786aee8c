"""A sign-up never fails, whatever the login brings; a profile and one organization come with it where possible."""

import psycopg
import pytest
from psycopg.types.json import Json

from .test_rls import of

LOGIN = of("d0000000", 0)


@pytest.fixture
def auth(anyone):
    """Supabase's auth server, which has no rights in `public`."""
    anyone.as_user("supabase_auth_admin")
    assert isinstance(
        anyone.attempt("select * from public.organizations"), psycopg.errors.InsufficientPrivilege
    )
    return anyone


def sign_up(auth, email, metadata=None, login=LOGIN, **more):
    columns = {
        "id": login,
        "email": email,
        "raw_user_meta_data": None if metadata is None else Json(metadata),
        **more,
    }
    names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
    auth.execute(f"insert into auth.users ({names}) values ({marks})", *columns.values())


def made(auth, login=LOGIN):
    auth.leave()
    organizations = auth.all("select * from public.organizations where owner_id = %s", login)
    profiles = auth.all("select * from public.user_profiles where id = %s", login)
    assert len(organizations) == 1
    assert len(profiles) <= 1
    assert 0 < len(organizations[0]["name"].strip()) <= 255
    assert organizations[0]["credits_balance"] == 0
    auth.as_user("supabase_auth_admin")
    return organizations[0], profiles[0] if profiles else None


def test_ordinary(auth):
    sign_up(auth, "new@example.com", {"full_name": "New Person", "company_name": "New Company"})
    organization, profile = made(auth)
    assert organization["name"] == "New Company"
    assert (profile["email"], profile["full_name"], profile["subscription_tier"]) == (
        "new@example.com",
        "New Person",
        "free",
    )


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {},
        [],
        "text",
        7,
        True,
        {"full_name": None, "company_name": None},
        {"full_name": "", "company_name": ""},
        {"full_name": "   ", "company_name": "   "},
        {"full_name": 7, "company_name": {"a": 1}},
        {"full_name": ["x"], "company_name": False},
        {"full_name": "Ü" * 300, "company_name": "字" * 300},
        {"full_name": {"deep": "x" * 1000}, "company_name": ["y" * 1000]},
        {"full_name": "Robert'); drop table organizations; --", "company_name": "%s %I"},
        [{"company_name": "in a list"}],
    ],
    ids=range(15),
)
def test_metadata_of_any_kind(auth, metadata):
    sign_up(auth, "new@example.com", metadata)
    organization, profile = made(auth)
    assert profile["email"] == "new@example.com"
    company = metadata.get("company_name") if isinstance(metadata, dict) else None
    if not (isinstance(company, str) and company.strip()) and not isinstance(company, dict | list | bool):
        assert organization["name"] == "My Organization"
    if isinstance(company, str) and len(company) == 300:
        assert organization["name"] == company[:255]
        assert profile["full_name"] == metadata["full_name"][:255]


def test_json_null_for_metadata(auth):
    auth.execute(
        "insert into auth.users (id, email, raw_user_meta_data) values (%s, 'n@example.com', 'null')", LOGIN
    )
    assert made(auth)[0]["name"] == "My Organization"


@pytest.mark.parametrize(
    "email", [None, "", " ", "x" * 243 + "@example.com", "no mail at all", "ALICE@EXAMPLE.COM"]
)
def test_mail_of_any_kind(auth, email):
    sign_up(auth, email, {"full_name": "Person", "company_name": "Company"})
    organization, _profile = made(auth)
    assert organization["name"] == "Company"


def test_several_logins_without_mail(auth):
    """By phone, and anonymous ones."""
    for n, email in enumerate([None, None, "", ""]):
        login = of(f"d{n}000000", 0)
        sign_up(auth, email, login=login, is_sso_user=True, is_anonymous=True)
        made(auth, login)


def test_mail_that_another_profile_has(auth):
    """SSO makes a second login with the same mail; the first profile stays as it is."""
    sign_up(auth, "alice@example.com", {"full_name": "Another Alice"}, is_sso_user=True)
    made(auth)
    auth.leave()
    first = auth.all("select full_name from public.user_profiles where email = 'alice@example.com'")
    assert [row["full_name"] for row in first] == ["Alice"]


def test_profile_that_is_there_already(auth):
    auth.leave()
    auth.execute("set local session_replication_role = replica")
    auth.execute("insert into public.user_profiles (id, email) values (%s, 'early@example.com')", LOGIN)
    auth.execute("set local session_replication_role = origin")
    auth.as_user("supabase_auth_admin")
    sign_up(auth, "late@example.com")
    assert made(auth)[1]["email"] == "early@example.com"


@pytest.mark.parametrize(
    "obstacle",
    [
        "alter table public.user_profiles add constraint never check (false) not valid",
        "alter table public.user_profiles add column more text not null default null",
        "alter table public.user_profiles rename to gone_user_profiles",
        "create trigger angry before insert on public.user_profiles for each row execute function angry()",
    ],
    ids=["check", "column", "table", "trigger"],
)
@pytest.mark.parametrize("table", ["user_profiles", "organizations", "both"])
def test_whatever_is_in_the_way(auth, obstacle, table):
    auth.leave()
    auth.execute(
        "create function public.angry() returns trigger language plpgsql as $$ begin raise 'no'; end $$"
    )
    auth.execute("set local search_path = public")
    blocked = ["user_profiles", "organizations"] if table == "both" else [table]
    for name in blocked:
        if "not null" in obstacle:
            auth.execute(f"delete from public.{name} where false")
            auth.execute(f"alter table public.{name} add column more text")
            auth.execute(f"update public.{name} set more = ''")
            auth.execute(f"alter table public.{name} alter column more set not null")
        else:
            auth.execute(obstacle.replace("user_profiles", name))
    auth.execute("set local search_path to default")
    auth.as_user("supabase_auth_admin")
    sign_up(auth, "new@example.com", {"full_name": "New"})
    auth.leave()
    assert auth.one("select count(*) from auth.users where id = %s", LOGIN) == 1
    if "user_profiles" not in blocked:
        assert auth.one("select count(*) from public.user_profiles where id = %s", LOGIN) == 1
    if "organizations" not in blocked and "rename" not in obstacle:
        assert auth.one("select count(*) from public.organizations where owner_id = %s", LOGIN) == 1


def test_shadows_of_the_caller_do_not_catch_it(auth):
    auth.execute("create temp table organizations (name text, owner_id uuid)")
    auth.execute("create temp table user_profiles (id uuid, email text, full_name text)")
    auth.execute("set local search_path = pg_temp, public")
    sign_up(auth, "new@example.com")
    made(auth)
    assert auth.one("select count(*) from pg_temp.organizations") == 0


def test_updated_at_is_set_by_the_database(anyone):
    for table in ("organizations", "user_profiles", "agents"):
        anyone.execute(f"update public.{table} set created_at = created_at, updated_at = '2001-01-01'")
        assert anyone.one(f"select bool_and(updated_at = now()) from public.{table}"), table
