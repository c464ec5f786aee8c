"""Erasure of a person in the database: what matches, what is redacted, what is refused, and what the audit keeps."""

import json

import psycopg
import pytest

from .test_rls import of

ORG, AGENT, PROFILE = of("a0000000", 1), of("a0000000", 2), of("a0000000", 0)
SESSION, MESSAGE, CALL = of("a0000000", 5), of("a0000000", 6), of("a0000000", 10)
MAIL, PHONE, NATIONAL = "ann.o+x@mail.example", "491701234567", "1701234567"
DENIED = psycopg.errors.InsufficientPrivilege
PERSON = (MAIL, PHONE, NATIONAL)


@pytest.fixture
def acting(staff):
    staff.actor()
    return staff


@pytest.fixture
def plant(world):
    """A log-in as `backoffice` in whose transaction a superuser's statements were run first; nothing is kept."""
    with world.session() as session:

        def run(*statements):
            for statement in statements:
                session.execute(statement)
            session.as_user("backoffice")
            session.actor()
            return session

        yield run


def pattern(session, mail=None, phone=None, national=None):
    return session.one("select audit.person_pattern(%s, %s, %s)", mail, phone, national)


def matches(session, text, *person):
    return session.one("select %s::text ~* %s", text, pattern(session, *person))


@pytest.mark.parametrize(
    "text",
    [
        "ann.o+x@mail.example", "ANN.O+X@Mail.Example", "<ann.o+x@mail.example>", "'ann.o+x@mail.example'",
        "write to ann.o+x@mail.example.", "mailto:ann.o+x@mail.example?x=1", "メールはann.o+x@mail.exampleです",
        '{"a":"line\\nann.o+x@mail.example"}', "?m=%20ann.o+x%40mail.example&", "-ann.o+x@mail.example",
        "a,ann.o+x@mail.example;b", "?q=ann.o%2Bx%40mail.example", "?q=mail+of+ann.o%2bx%40mail.example&a=1",
    ],
)  # fmt: skip
def test_a_mail_is_found_however_it_stands(acting, text):
    assert matches(acting, text, MAIL)
    assert acting.one("select audit.may_name(%s, %s, null)", text, MAIL)


@pytest.mark.parametrize(
    "text",
    [
        "joann.o+x@mail.example", "jo.ann.o+x@mail.example", "ann.o+x@mail.example.com", "ann.o+x@mail.examples",
        "annxo+x@mail.example", "ann.o+x@mailxexample", "jo-ann.o+x@mail.example", "öann.o+x@mail.example",
        "ann.o+x@mail.example-shop.com", "ann.o@mail.example",
    ],
)  # fmt: skip
def test_another_mail_is_not(acting, text):
    assert not matches(acting, text, MAIL)


@pytest.mark.parametrize(
    "text",
    [
        "+491701234567", "00491701234567", "491701234567", "+49 170 1234567", "+49 (0)170 / 123 45 67",
        "0170-1234567", "0170 1234567", "(0170) 123-4567", "170 1234567", "tel:+49-170-1234567", "sip:+491701234567@x",
        "call%20%2B491701234567", "011 49 170 1234567", "+49\u00a0170\u20111234567", '"x\\n01701234567"',
        "in 2001 0170 1234567", "at 10:00 0170 1234567", "\\u0000 0170-1234567",
        "Phone+491701234567", "0170.123.45.67", "?q=%2B49+170+1234567", "?q=%2B49%20%280%29170%2F1234567&status=active",
        "?q=call+0170+1234567", "q=%2B49%C2%A0170%E2%80%911234567", "q=0170-1234567&x=1%25",
    ],
)  # fmt: skip
def test_a_number_is_found_in_any_format(acting, text):
    assert matches(acting, text, None, PHONE, NATIONAL)
    assert acting.one("select audit.may_name(%s, null, %s)", text, NATIONAL)


@pytest.mark.parametrize(
    "text",
    [
        "+441701234567", "0044 170 1234567", "+44 1701234567", "91701234567", "+4917012345678", "2491701234567",
        "17012345", "f1701234567a"[:10], "(0044) 1701234567", "0044-170-1234567",
        "session_1701234567", "+49 170 123456", "+1 170-123-4567", "?q=%2B44+170+1234567", "?q=+1701234567",
    ],
)  # fmt: skip
def test_another_number_is_not(acting, text):
    assert not matches(acting, text, None, PHONE, NATIONAL)


def test_without_the_national_form_only_numbers_with_country_code_match(acting):
    assert matches(acting, "+49 170 1234567", None, PHONE)
    assert not matches(acting, "0170 1234567", None, PHONE)


@pytest.mark.parametrize(
    "person",
    [
        (None, None, None), ("", "", ""), (".*", None, None), ("a@b", None, None), ("a b@c.de", None, None),
        ("@x.de", None, None), (None, "123", None), (None, "[0-9]+", None), (None, PHONE, "999"),
        (None, PHONE, PHONE), (None, PHONE, "7654321"), ("%@%.%", PHONE, "x"),
    ],
)  # fmt: skip
def test_only_whole_addresses_and_numbers_are_searched(acting, person):
    assert acting.attempt("select audit.person_pattern(%s, %s, %s)", *person) is not None


def test_signs_with_a_meaning_in_patterns_stand_for_themselves(acting):
    assert matches(acting, "to a.*b$c^d{1}|?@x.de!", "a.*b$c^d{1}|?@x.de")
    assert not matches(acting, "axxb@x.de", "a.*b@x.de")


def test_json_is_redacted_in_values_keys_numbers_and_texts_that_are_json(acting):
    value = {
        "n": 491701234567, "deep": [{"ann.o+x@mail.example": "x"}], "text": json.dumps({"m": "a\nann.o+x@mail.example"}),
        "other": "joann.o+x@mail.example", "none": None,
    }  # fmt: skip
    found = acting.one("select audit.erase_json(%s::jsonb, %s)", json.dumps(value), pattern(acting, *PERSON))
    assert found["n"] == "[erased]" and found["deep"] == [{"[erased]": "x"}]
    assert json.loads(found["text"]) == {"m": "a\n[erased]"}
    assert found["other"] == value["other"] and found["none"] is None


def test_json_nested_deeper_than_anything_sensible_is_redacted_whole(acting):
    deep = '{"a":' * 900 + '"ann.o+x@mail.example"' + "}" * 900
    found = acting.one("select audit.erase_json(%s::jsonb, %s)::text", deep, pattern(acting, *PERSON))
    assert "ann.o" not in found and "[erased]" in found


FIND = "select * from audit.find_person(%s, %s, %s, %s)"


def test_a_search_needs_actor_and_reason(staff):
    assert isinstance(staff.attempt(FIND, "organizations", *PERSON), DENIED)
    staff.actor(reason="")
    assert isinstance(staff.attempt(FIND, "organizations", *PERSON), DENIED)
    assert isinstance(staff.attempt("select audit.begin_erasure(%s)", MAIL), DENIED)
    staff.actor()
    assert staff.attempt(FIND, "organizations", *PERSON) is None
    for table in ("sip_trunks; drop table x", "procedure", "users", "backoffice_user"):
        assert "No person" in str(staff.attempt(FIND, table, *PERSON))


def test_every_store_is_searched_and_redacted(plant):
    texts = {
        "organizations": ("name", f"update public.organizations set name = 'Ann {MAIL}' where id = '{ORG}'"),
        "agents": (
            "config",
            f"""update public.agents set config = '{{"p": "ask {MAIL}", "password": "hunter2"}}' where id = '{AGENT}'""",
        ),
        "agent_messages": (
            "content",
            f"update public.agent_messages set content = 'I am 0170/1234567' where id = '{MESSAGE}'",
        ),
        "agent_sessions": (
            "conversation_history",
            f"""update public.agent_sessions set conversation_history = '[{{"content": "{MAIL}"}}]'"""
            f" where id = '{SESSION}'",
        ),
        "chat_messages": (
            "text",
            f"update public.chat_messages set text = '{MAIL}!' where id = '{of('a0000000', 8)}'",
        ),
        "call_logs": (
            "caller_number",
            f"update public.call_logs set caller_number = '+{PHONE}' where id = '{CALL}'",
        ),
    }
    session = plant(*[statement for _, statement in texts.values()])
    for table, (column, _) in texts.items():
        (row,) = session.all(FIND, table, *PERSON)
        assert row["columns"] == [column], table
        assert "[erased]" in row["samples"][column] and MAIL not in str(row["samples"])
        assert "hunter2" not in str(row["samples"]), "a secret beside the person"
    session.execute("select audit.begin_erasure(%s, %s, %s)", *PERSON)
    for table in texts:
        ids = [row["id"] for row in session.all(FIND, table, *PERSON)]
        assert session.one("select audit.erase_rows(%s, %s)", table, ids) == 1
        assert session.all(FIND, table, *PERSON) == []
    session.execute("select audit.end_erasure()")
    assert session.one("select content from public.agent_messages where id = %s", MESSAGE) == "I am [erased]"
    assert session.one("select caller_number from public.call_logs where id = %s", CALL) == "[erased]"


def test_the_profile_goes_whole_and_the_audit_forgets_it(plant):
    session = plant(
        f"update public.user_profiles set email = '{MAIL}', full_name = 'Ann Oh', phone_number = '1' where id = '{PROFILE}'",
        f"update public.user_profiles set full_name = 'Ann Other', company_name = 'Oh Ltd' where id = '{PROFILE}'",
    )
    (row,) = session.all(FIND, "user_profiles", *PERSON)
    assert row["columns"] == ["company_name", "email", "full_name", "phone_number"]
    assert session.one("select audit.begin_erasure(%s, %s, %s)::text[]", *PERSON) == [PROFILE]
    session.execute("select audit.erase_rows('user_profiles', %s)", [PROFILE])
    for table in ("event", "read_log"):
        ids = [row["id"] for row in session.all(FIND, table, *PERSON)]
        session.execute("select audit.erase_rows(%s, %s)", table, ids)
    stored = session.one("select * from public.user_profiles where id = %s", PROFILE)
    assert stored["email"] == f"erased-{PROFILE}@erased.invalid"
    assert {stored[name] for name in ("full_name", "company_name", "phone_number")} == {"[erased]"}
    kept = "\n".join(row["e"] for row in session.all("select e::text as e from audit.event e"))
    assert not [word for word in (MAIL, "Ann Oh", "Ann Other", "Oh Ltd") if word in kept]
    assert session.all(FIND, "user_profiles", *PERSON) == session.all(FIND, "event", *PERSON) == []


def test_changes_of_own_tables_in_an_erasure_leave_no_trace_of_the_person(plant):
    session = plant(
        "create table backoffice.note (id int primary key, text text)",
        "create trigger audit_record after insert or update or delete on backoffice.note"
        " for each row execute function audit.record()",
        "set backoffice.actor = 'x'",
        f"insert into backoffice.note values (1, 'call {MAIL} back'), (2, 'something else')",
        "grant all on backoffice.note to backoffice",
    )
    session.execute("select audit.begin_erasure(%s)", MAIL)
    session.execute("update backoffice.note set text = 'call [erased] back' where id = 1")
    session.execute("update backoffice.note set text = 'changed' where id = 2")
    session.execute("select audit.end_erasure()")
    events = session.all("select old, new from audit.event where action = 'update' order by id desc limit 2")
    assert events[1]["old"] == events[1]["new"] == {"text": "call [erased] back"}
    assert events[0]["old"] == {"text": "something else"}, "only the person is left out"


def test_the_state_of_an_erasure_cannot_be_forged_or_left_behind(acting):
    assert "between" in str(acting.attempt("select audit.erase_rows('agents', '{}')"))
    acting.execute("""select set_config('audit.erasure', '{"pattern": ".*", "persons": []}', true)""")
    assert "between" in str(acting.attempt("select audit.erase_rows('agents', '{}')"))
    acting.execute("select audit.begin_erasure(%s)", MAIL)
    acting.execute("""select set_config('audit.erasure', '{"pattern": ".*", "persons": []}', true)""")
    assert "between" in str(acting.attempt("select audit.erase_rows('agents', '{}')"))
    assert isinstance(acting.attempt("select * from audit.procedure"), DENIED)
    assert isinstance(acting.attempt("insert into audit.procedure (kind) values ('erasure')"), DENIED)


def test_an_erasure_whose_reason_names_the_person_is_refused(staff):
    staff.actor(reason=f"{MAIL} asked for it")
    assert "reason names the person" in str(staff.attempt("select audit.begin_erasure(%s)", MAIL.upper()))


def test_ledger_routing_and_who_acted_stay(plant):
    session = plant(
        f"update public.organizations set name = '{MAIL}', credits_balance = 5 where id = '{ORG}'",
        f"update public.phone_numbers set phone_number = '+{PHONE}' where id = '{of('a0000000', 4)}'",
    )
    session.execute("select audit.begin_erasure(%s, %s, %s)", *PERSON)
    assert session.all(FIND, "credit_transactions", *PERSON) != []
    assert "Nothing is redacted" in str(
        session.attempt("select audit.erase_rows('credit_transactions', '{1}')")
    )
    session.execute("select audit.erase_rows('phone_numbers', %s)", [of("a0000000", 4)])
    assert session.all(FIND, "phone_numbers", *PERSON)[0]["columns"] == ["phone_number"]
    assert (
        session.one("select sum(amount) from public.credit_transactions where organization_id = %s", ORG) == 5
    )


def test_the_person_is_who_has_the_mail_and_by_phone_alone_who_has_the_number(plant):
    session = plant(
        f"update public.user_profiles set email = '{MAIL}' where id = '{PROFILE}'",
        f"update public.user_profiles set phone_number = '0170 / 1234567' where id = '{of('b0000000', 0)}'",
    )
    ids = "select audit.person_ids(%s, %s, %s)::text[]"
    assert session.one(ids, *PERSON) == [PROFILE]
    assert session.one(ids, None, PHONE, NATIONAL) == [of("b0000000", 0)]
    assert session.one(ids, None, PHONE, None) == []
