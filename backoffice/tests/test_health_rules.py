"""Rules about rows: each fault is found, with the row that has it, and sound rows are not."""

import json

import pytest
from django.utils import timezone

from agents.models import IndexState
from agents.tests.factories import (
    make_agent,
    make_chat_message,
    make_conversation,
    make_message,
    make_session,
)
from backoffice.health import checking
from backoffice.health.checking import COUNT_LIMIT, check_rows, check_rule
from backoffice.health.rules import all_rules
from backoffice.models import HealthFinding, HealthRow
from billing.tests.factories import make_usage
from telephony.tests.factories import make_call, make_number, make_trunk
from tenants.tests.factories import change, make_organization, make_profile

SECRET = "Bearer 12345-very-secret"


def rows_of(name):
    """(finding, [(id of the row, what it says)]) of one rule, looked at now."""
    finding = check_rule(all_rules()[name])
    return finding, [(row.row_id, row.detail) for row in HealthRow.objects.filter(rule=name)]


def hit(name):
    finding, rows = rows_of(name)
    return finding.count, [row for row, _ in rows]


def sound_world():
    """One of everything, as the platform means it."""
    agent = make_agent(name="Desk", system_prompt="Be brief", pii_redaction_enabled=True)
    change(agent.organization, credits_balance=10)
    session = make_session(agent, external_id="session_1766000000000_abcdefghi", message_count=1)
    make_message(session)
    number = make_number(agent.organization, agent=agent, e164="+14155550100")
    make_call(
        agent.organization,
        agent=agent,
        phone_number=number,
        session_ref=session.external_id,
        status="completed",
    )
    make_usage(agent, session=session)
    make_trunk(organization=agent.organization, provider="twilio")
    make_chat_message()
    return agent


def test_sound_rows_break_no_rule(db):
    agent = sound_world()
    change(make_chat_message().session.agent, system_prompt="Be brief", pii_redaction_enabled=True)
    check_rows()
    broken = HealthFinding.objects.exclude(level="good").exclude(
        rule__in=["redaction_off", "agent_without_prompt"]
    )
    assert [(finding.rule, finding.count) for finding in broken] == []
    assert agent.pk not in HealthRow.objects.values_list("row_id", flat=True)


def test_rules_of_the_index_wait_until_it_is_built(db):
    check_rows()
    assert not HealthFinding.objects.filter(rule="odd_history").exists()
    make_conversation(record=make_session(conversation_history={"no": "list"}, message_count=1))
    IndexState.objects.update_or_create(defaults={"built_at": timezone.now()})
    checking.catch_up()
    assert HealthFinding.objects.get(rule="odd_history").count == 1


ORPHANS = [
    ("agent_messages_without_session", "agent_messages", "session_id", make_message),
    ("agent_sessions_without_agent", "agent_sessions", "agent_id", make_session),
    ("chat_sessions_without_agent", "chat_sessions", "project_id", lambda: make_chat_message().session),
    ("chat_messages_without_chat", "chat_messages", "session_id", make_chat_message),
    ("usage_logs_without_agent", "usage_logs", "agent_id", make_usage),
    ("usage_logs_without_session", "usage_logs", "session_id", make_usage),
    ("usage_logs_without_organization", "usage_logs", "organization_id", make_usage),
    ("call_logs_without_organization", "call_logs", "organization_id", make_call),
    ("call_logs_without_agent", "call_logs", "agent_id", make_call),
    ("call_logs_without_number", "call_logs", "phone_number_id", make_call),
    ("phone_numbers_without_agent", "phone_numbers", "agent_id", make_number),
    ("phone_numbers_without_organization", "phone_numbers", "organization_id", make_number),
    ("agents_without_organization", "agents", "organization_id", make_agent),
    ("sip_trunks_without_organization", "sip_trunks", "organization_id", make_trunk),
    ("chat_sessions_without_profile", "chat_sessions", "user_id", lambda: make_chat_message().session),
]


@pytest.mark.parametrize(("rule", "table", "column", "make"), ORPHANS, ids=[row[0] for row in ORPHANS])
def test_an_orphan_is_found_where_the_foreign_key_is_missing(owner, rule, table, column, make):
    row = make()
    assert hit(rule) == (0, [])
    owner(f"alter table {table} drop constraint {table}_{column}_fkey")
    owner(f"alter table {table} disable trigger user")
    owner(f"update {table} set {column} = gen_random_uuid() where id = %s", [row.pk])
    assert hit(rule) == (1, [row.pk])


def odd_agent(**fields):
    return make_agent(**{"name": "Odd", **fields})


def used(agent):
    make_session(agent, message_count=2)
    return agent


ODDITIES = [
    ("default_session", lambda: make_session(external_id="default")),
    ("stale_calls", lambda: make_call(status="active", created_at="2026-01-01T00:00Z")),
    ("usage_amounts", lambda: make_usage(tokens_used=-1)),
    ("call_amounts", lambda: make_call(duration_seconds=-30)),
    ("balance_no_number", lambda: change(make_organization(), credits_balance=None)),
    ("number_not_e164", lambda: make_number(e164="020 7946 0000")),
    ("number_not_e164", lambda: make_number(e164="+44 20 7946 0000")),
    ("agent_json_name", lambda: odd_agent(name=' {"id":"agent_7"}')),
    ("agent_wrong_json", lambda: odd_agent(custom_headers=["X"])),
    ("agent_wrong_json", lambda: odd_agent(config="text")),
    ("agents_values", lambda: odd_agent(voice_provider="parrot")),
    ("agent_sessions_values", lambda: make_session(channel="fax")),
    ("call_logs_values", lambda: make_call(status="ringing")),
    ("agent_sessions_times", lambda: make_session(created_at=None)),
    ("usage_logs_times", lambda: make_usage(created_at="2099-01-01T00:00Z")),
    ("webhook_not_https", lambda: odd_agent(config={"config": {"webhook_url": "http://x.example"}})),
    ("webhook_not_https", lambda: odd_agent(webhook_url="HTTP://x.example")),
    ("secrets_in_headers", lambda: odd_agent(custom_headers={"Authorization": SECRET})),
    ("sip_password_in_config", lambda: odd_agent(config={"sip": {"password": SECRET}})),
    ("storage_policy_not_kept", lambda: used(odd_agent(config={"data_storage_policy": "no-pii"}))),
    ("redaction_off", lambda: used(odd_agent(pii_redaction_enabled=None))),
    ("call_without_agent", lambda: make_call(agent=None)),
]


@pytest.mark.parametrize(("rule", "make"), ODDITIES, ids=[f"{row[0]}-{n}" for n, row in enumerate(ODDITIES)])
def test_an_oddity_is_found(db, rule, make):
    row = make()
    assert hit(rule) == (1, [row.pk])


@pytest.mark.parametrize(
    ("rule", "column", "make"),
    [
        ("usage_amounts", "usage_logs.cost_usd", make_usage),
        ("call_amounts", "call_logs.cost", make_call),
        ("balance_no_number", "organizations.credits_balance", make_organization),
    ],
    ids=["usage", "call", "balance"],
)
def test_no_number_is_found(owner, rule, column, make):
    row = make()
    table, _, name = column.partition(".")
    owner(f"alter table {table} disable trigger user")  # the ledger's refuses it, where there is one
    owner(f"update {table} set {name} = 'NaN' where id = %s", [row.pk])
    assert hit(rule) == (1, [row.pk])


def test_an_infinite_time_is_found(owner):
    row = make_call()
    owner("update call_logs set created_at = '-infinity' where id = %s", [row.pk])
    assert hit("call_logs_times") == (1, [row.pk])


def test_other_tenants_and_doubles(owner):
    agent, stranger = make_agent(), make_agent()
    number = make_number(agent.organization)
    owner("update phone_numbers set agent_id = %s where id = %s", [stranger.pk, number.pk])
    usage = make_usage(agent, organization_id=stranger.organization_id)
    call = make_call(stranger.organization, agent=agent)
    assert hit("number_of_other_tenant") == (1, [number.pk])
    assert hit("usage_of_other_tenant") == (1, [usage.pk])
    assert hit("call_of_other_tenant") == (1, [call.pk])
    assert hit("owner_of_several") == (0, [])
    owner(
        "update organizations set owner_id = %s where id = %s",
        [agent.organization.owner_id, stranger.organization_id],
    )
    assert hit("owner_of_several")[0] == 2
    assert hit("profile_without_organization")[0] == 1


def test_an_owner_without_profile_is_found(owner):
    profile = make_profile()
    owner("delete from user_profiles where id = %s", [profile.pk])
    assert hit("organization_without_profile")[0] == 1


def test_no_secret_is_kept(db):
    odd_agent(custom_headers={"Authorization": SECRET}, config={"sip": {"password": SECRET}})
    check_rows()
    kept = json.dumps(list(HealthRow.objects.values_list("detail", flat=True)))
    assert "Authorization" in kept
    assert SECRET not in kept
    assert not HealthFinding.objects.filter(text__contains=SECRET).exists()


def test_hostile_rows_stop_no_rule(owner):
    agent = odd_agent(name="<script>alert(1)</script>" * 5, webhook_url="x" * 1_000_000)
    owner(
        "update agents set config = (repeat('[', 5000) || repeat(']', 5000))::jsonb where id = %s", [agent.pk]
    )
    owner(
        "update agents set custom_headers = jsonb_build_object(repeat('token', 9999), '%%s'), backchannel_words = 'null' "
        "where id = %s",
        [agent.pk],
    )
    check_rows()
    assert not HealthFinding.objects.filter(text__contains="could not be checked").exists()
    assert HealthRow.objects.get(rule="secrets_in_headers").detail.startswith("tokentoken")


def test_a_rule_whose_table_is_not_there_says_so_and_the_others_go_on(owner):
    owner("drop table chat_messages")
    make_session(external_id="default")
    check_rows()
    finding = HealthFinding.objects.get(rule="chat_messages_without_chat")
    assert (finding.level, finding.count) == ("warn", 0)
    assert "could not be checked" in finding.text
    assert HealthFinding.objects.get(rule="default_session").count == 1


def test_counting_stops_and_rows_are_kept_to_the_limit(db, monkeypatch):
    monkeypatch.setattr(checking, "COUNT_LIMIT", 3)
    agent = make_agent()
    for _ in range(5):
        make_call(agent.organization, agent=None)
    finding, rows = rows_of("call_without_agent")
    assert (finding.count, finding.is_more, len(rows)) == (3, True, 4)
    assert COUNT_LIMIT == 10_000


def test_a_mended_row_is_gone_at_the_next_look(db, monkeypatch):
    monkeypatch.setattr(checking, "all_rules", lambda: {"number_not_e164": all_rules()["number_not_e164"]})
    number = make_number(e164="12")
    check_rows()
    first = HealthFinding.objects.get(rule="number_not_e164")
    assert (first.count, first.level) == (1, "bad")
    change(number, e164="+14155550100")
    check_rows()
    then = HealthFinding.objects.get(rule="number_not_e164")
    assert (then.pk, then.count, then.level) == (first.pk, 0, "good")
    assert not HealthRow.objects.filter(rule="number_not_e164").exists()


def test_every_rule_has_words_and_a_section():
    for rule in all_rules().values():
        assert rule.label and rule.meaning and rule.remedy
        assert rule.section in ("orphans", "oddities")
        assert rule.level in ("bad", "warn", "info")
