"""The functions and indexes of the search: nobody's write is stopped by them, and running the file again keeps them."""

import pytest

from .test_rls import ALICE, of

INDEXES = {
    "search_organizations_words",
    "search_organizations_name",
    "search_agents_words",
    "search_agents_name",
    "search_user_profiles_words",
    "search_user_profiles_phone",
    "search_phone_numbers_number",
    "search_phone_numbers_sid",
    "search_sip_trunks_domain",
    "search_sip_trunks_username",
    "search_call_logs_caller",
}
MATCHES = "select audit.search_vector(audit.search_text(%s)) @@ audit.search_query(audit.search_text(%s))"
# As long as the column allows; some letters become eighteen.
NAMES = [
    "\ufdfa" * 255,
    "é" * 255,
    "東" * 255,
    "'" * 255,
    "\\" * 255,
    " ",
    "",
    "\U0001f600" * 255,
    '{"name": "' + "x" * 240,
]


@pytest.mark.parametrize(
    ("name", "typed", "matches"),
    [
        ("Łódź Café — Brücke", "lodz bruck", True),
        ("Łódź Café — Brücke", "ucke", False),
        ("Straße", "STRASSE", True),
        ("ΣΊΓΜΑΣ", "σιγμας", True),
        ("株式会社東京ガーデン", "京ガ", True),
        ("東京大阪", "東大", False),
        ("กรุงเทพ", "งเทพ", True),
        ("한국병원", "한국", True),
        ("O'Connor & Sons", "o'con", True),
        ("a:b*c", "a:* & b", True),
        ("anything", "", None),
        ("anything", "& | ! <->", None),
        ("", "a", False),
    ],
)
def test_words(world, name, typed, matches):
    assert world.value(MATCHES, name, typed) is matches


def test_indexes_survive_another_run(make):
    database = make("fresh")
    before = database.query(
        "select indexrelid::regclass::text from pg_index where indexrelid::regclass::text ~ 'search_'"
    )
    database.upgrade()
    after = database.query(
        "select indexrelid::regclass::text from pg_index where indexrelid::regclass::text ~ 'search_' and indisvalid"
    )
    assert {name.rpartition(".")[2] for name in after} == INDEXES
    assert set(before) == set(after)


def test_upgraded_database_has_them_all(upgraded):
    found = upgraded.query("select indexname from pg_indexes where indexname ~ '^search_'")
    assert set(found) == INDEXES


def test_rows_are_written_by_everybody_who_wrote_them(anyone):
    for n, name in enumerate(NAMES):
        anyone.become("authenticated", ALICE)
        anyone.execute(
            "insert into public.agents (organization_id, name) values (%s, %s)", of("a0000000", 1), name[:255]
        )
        anyone.execute("update public.organizations set name = %s where owner_id = %s", name[:255], ALICE)
        anyone.execute(
            "update public.user_profiles set full_name = %s, phone_number = %s where id = %s",
            name[:255],
            name[:50],
            ALICE,
        )
        anyone.become("service_role", None)
        anyone.execute(
            "insert into public.call_logs (organization_id, session_id, direction, caller_number)"
            " values (%s, %s, 'inbound', %s)",
            of("a0000000", 1),
            f"call-{n}",
            name * 40,
        )
        anyone.execute(
            "insert into public.phone_numbers (organization_id, phone_number, provider_sid) values (%s, %s, %s)",
            of("a0000000", 1),
            f"{n} {name}",
            name * 40,
        )
        anyone.execute(
            "insert into public.sip_trunks (provider, sip_domain, username) values ('x', %s, %s)",
            name * 40,
            name * 40,
        )
    anyone.leave()
    assert anyone.one(
        "select count(*) from public.agents where organization_id = %s", of("a0000000", 1)
    ) == 1 + len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_sign_up_brings_its_organization_whatever_the_name(anyone, name):
    anyone.as_user("supabase_auth_admin")
    anyone.execute(
        "insert into auth.users (id, email, raw_user_meta_data)"
        " values (%s, 'new@example.com', jsonb_build_object('company_name', %s::text, 'full_name', %s::text))",
        of("d0000000", 0),
        name,
        name,
    )
    anyone.leave()
    assert anyone.one("select count(*) from public.organizations where owner_id = %s", of("d0000000", 0)) == 1
    assert anyone.one("select count(*) from public.user_profiles where id = %s", of("d0000000", 0)) == 1


def test_a_role_of_the_deployment_writes_too(anyone):
    """The platform may connect as a role that we do not know."""
    anyone.execute("create role runtime_of_theirs")
    anyone.execute("grant usage on schema public to runtime_of_theirs")
    anyone.execute("grant insert on public.agents to runtime_of_theirs")
    anyone.execute("alter role runtime_of_theirs bypassrls")
    anyone.execute("set local role runtime_of_theirs")
    anyone.execute(
        "insert into public.agents (organization_id, name) values (%s, '東京 Café')", of("a0000000", 1)
    )


def test_the_login_of_a_mail_is_for_the_back_office(world, staff):
    assert str(staff.one("select audit.login_of_mail(' Alice@Example.com ')")) == ALICE
    assert staff.all("select audit.login_of_mail('alice@example%%')") == []
    for role in ("anon", "authenticated", "service_role"):
        assert not world.value(
            "select has_function_privilege(%s, 'audit.login_of_mail(text)', 'EXECUTE')", role
        )
