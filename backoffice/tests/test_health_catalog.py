"""What the page of data health finds in the catalog: each fault is made by the owner, and named in words."""

import pytest
from django.db import connection

from backoffice.health.catalog import Catalog
from backoffice.health.indexes import missing_indexes
from backoffice.health.store import catalog_findings

CREATED = "COALESCE(created_at, '-infinity'::timestamp with time zone) DESC, id DESC"
ANYONE = """create policy "Anyone can view sessions" on agent_sessions for select to anon using (true)"""
FAULTS = [
    # Schema
    ("drop table chat_messages", "schema", "bad", "Table chat_messages is missing."),
    ("alter table agents drop column webhook_url", "schema", "bad", "Table agents has no column webhook_url."),
    (
        "alter table organizations add description text",
        "schema",
        "info",
        "Table organizations has columns that the back office does not know and leaves alone: description.",
    ),
    (
        "alter table call_logs alter cost type text using cost::text",
        "schema",
        "bad",
        "Column call_logs.cost is of type text, the back office expects numeric.",
    ),
    ("drop table billing.adoption", "schema", "bad", "Table billing.adoption is missing."),
    (
        "alter table billing.bulk_posting_row drop column problem cascade",
        "schema",
        "bad",
        "Table billing.bulk_posting_row has no column problem.",
    ),
    (
        "alter table agent_messages drop constraint agent_messages_session_id_fkey",
        "schema",
        "warn",
        "Nothing ties public.agent_messages.session_id to public.agent_sessions",
    ),
    (
        "alter table agents disable trigger audit_record",
        "schema",
        "bad",
        "Trigger audit_record on public.agents is disabled. Changes are not recorded as long as it is so.",
    ),
    (
        "drop trigger record_credit_change on organizations",
        "schema",
        "bad",
        "Trigger record_credit_change on public.organizations is missing. Balances change without a row in the ledger",
    ),
    (
        "alter table agents enable replica trigger audit_record",
        "schema",
        "bad",
        "Trigger audit_record on public.agents fires on replicas only.",
    ),
    (
        "create or replace function public.set_updated_at() returns trigger language plpgsql as 'begin return new; end'",
        "schema",
        "warn",
        "Function public.set_updated_at() is another version than db/*.sql",
    ),
    ("drop function audit.find_login(text)", "schema", "bad", "Function audit.find_login(text) is missing."),
    (
        "alter function public.record_credit_change() reset search_path",
        "schema",
        "bad",
        "Function public.record_credit_change() runs with its owner's rights and its search_path is not pinned",
    ),
    (
        "alter table call_logs alter cost type numeric(12,2)",
        "schema",
        "bad",
        "Column public.call_logs.cost is numeric(12,2); db/*.sql makes it numeric(10,4). Amounts are rounded as they",
    ),
    (
        "alter table usage_logs alter cost_usd type numeric",
        "schema",
        "info",
        "Column public.usage_logs.cost_usd is numeric; db/*.sql makes it numeric(10,4).",
    ),
    (
        "alter table usage_logs alter created_at drop default",
        "schema",
        "warn",
        "Column public.usage_logs.created_at has lost its default",
    ),
    (
        "do $$ begin execute format('alter database %I set timezone = ''Europe/Berlin''', current_database()); end $$",
        "schema",
        "bad",
        "Connections begin in time zone Europe/Berlin. The platform writes times without a zone and means UTC",
    ),
    # Rights
    ("grant backoffice to anon", "rights", "bad", "Role anon is a member of backoffice: it has what these may read"),
    (
        "alter table user_profiles disable row level security",
        "rights",
        "bad",
        "Row level security is off for table user_profiles.",
    ),
    (
        ANYONE,
        "rights",
        "bad",
        "Policy “Anyone can view sessions” on public.agent_sessions is not ours and lets anon read rows: where true. It "
        "asks for no token and no log-in, and permissive policies add up: it undoes the others.",
    ),
    (
        'alter policy "widget: see own messages" on agent_messages using (true)',
        "rights",
        "bad",
        "Policy “widget: see own messages” on public.agent_messages is not as in db/*.sql (it differs in using): where "
        "true",
    ),
    (
        'drop policy "tenant: own calls" on call_logs',
        "rights",
        "warn",
        "Policy “tenant: own calls” on public.call_logs is missing",
    ),
    (
        "grant update on organizations to authenticated",
        "rights",
        "bad",
        "authenticated has rights on public.organizations that db/*.sql does not give: update.",
    ),
    (
        "grant select (password) on sip_trunks to authenticated",
        "rights",
        "bad",
        "authenticated has rights on public.sip_trunks that db/*.sql does not give: select password.",
    ),
    (
        "grant select on usage_logs to public",
        "rights",
        "bad",
        "PUBLIC has rights on public.usage_logs that db/*.sql does not give: select.",
    ),
    (
        "grant update (credits_balance) on organizations to backoffice",
        "rights",
        "bad",
        "Role backoffice has rights on table organizations that it should not have: update credits_balance.",
    ),
    (
        "revoke select on agents from authenticated",
        "rights",
        "warn",
        "authenticated lacks rights on public.agents that db/*.sql gives: select.",
    ),
    (
        "grant execute on function public.post_credit(uuid, numeric, text, text, text, text, text, bigint) to anon",
        "rights",
        "bad",
        "anon may call function public.post_credit(",
    ),
    (
        "create table public.profiles (id int); grant select on public.profiles to anon",
        "rights",
        "bad",
        "Table public.profiles, which is not of the platform's schema, has row level security off, and anon may use it",
    ),
    (
        "create view public.all_agents as select * from agents; grant select on public.all_agents to anon",
        "rights",
        "bad",
        "View all_agents reads with its owner's rights, past row level security",
    ),
    (
        "create function public.peek() returns int language sql security definer as 'select 1'",
        "rights",
        "warn",
        "Function public.peek() runs with its owner's rights and may be called by anybody",
    ),
    (
        "alter default privileges in schema public grant all on tables to anon",
        "rights",
        "info",
        "New tables that postgres makes in public are given to anon by themselves",
    ),
    (
        "grant service_role to backoffice_preview",
        "rights",
        "bad",
        "Role backoffice_preview is a member of service_role: it has what these may read and write.",
    ),
    (
        "alter role backoffice_preview createdb",
        "rights",
        "bad",
        "Role backoffice_preview is CREATEDB: policies or grants do not hold it back.",
    ),
    (
        "revoke authenticated from backoffice_preview",
        "rights",
        "warn",
        "Role backoffice_preview is no member of authenticated: the tenant's view shows nothing.",
    ),
    # Indexes
    (
        "create index twin on agents (name, id)",
        "indexes",
        "info",
        "Indexes agents_name_id_1fd826, twin of public.agents are the same",
    ),
]  # fmt: skip


def found(section):
    return [(finding.level, finding.text) for finding in catalog_findings() if finding.section == section]


def test_a_database_made_by_our_files_has_no_findings(db):
    assert catalog_findings() == []


@pytest.mark.parametrize(("sql", "section", "level", "text"), FAULTS, ids=lambda value: str(value)[:50])
def test_a_fault_is_named(owner, sql, section, level, text):
    owner(sql)
    assert any(found_level == level and text in said for found_level, said in found(section)), found(section)


def test_columns_that_a_deployment_added_may_be_written_by_the_browser_app(owner):
    owner("alter table agents add is_active boolean; grant update (is_active) on agents to authenticated")
    assert found("rights") == []


def drop_indexes(owner, table, beginning):
    names = owner(
        "select indexname from pg_indexes where schemaname = 'public' and tablename = %s and indexdef like %s",
        [table, f"%{beginning}%"],
    )
    for (name,) in names:
        owner(f'drop index public."{name}"')


class TestIndexes:
    def test_a_missing_one_names_its_pages(self, owner):
        drop_indexes(owner, "agent_messages", "(session_id, COALESCE")
        ((level, text),) = found("indexes")
        assert level == "warn"  # nobody notices on an empty table
        assert "lacks the index btree (session_id, COALESCE(created_at" in text
        assert "Slow without it: every transcript, the index of conversations." in text

    def test_another_name_is_as_good(self, owner):
        drop_indexes(owner, "usage_logs", "(session_id)")
        assert len(found("indexes")) == 1
        owner("create index by_hand on usage_logs (session_id)")
        assert found("indexes") == []

    def test_one_that_begins_with_the_columns_is_as_good(self, owner):
        drop_indexes(owner, "usage_logs", "(session_id)")
        owner("create index by_hand on usage_logs (session_id, created_at)")
        assert found("indexes") == []

    @pytest.mark.parametrize(
        "index",
        ["(created_at, session_id)", "(session_id) where tokens_used > 0", "(session_id desc)"],
    )
    def test_other_columns_order_or_a_part_is_not(self, owner, index):
        drop_indexes(owner, "usage_logs", "(session_id)")
        owner(f"create index by_hand on usage_logs {index}")
        assert [text for _, text in found("indexes") if "lacks the index btree (session_id)" in text]

    def test_a_unique_one_is_not_replaced_by_a_plain_one(self, owner):
        owner("alter table phone_numbers drop constraint phone_numbers_phone_number_key")
        owner("create index by_hand on phone_numbers (phone_number)")
        with connection.cursor() as cursor:
            (missing,) = missing_indexes(Catalog(cursor))
        assert (missing.table, missing.is_unique) == ("public.phone_numbers", True)


def test_the_catalog_is_read_by_a_fixed_number_of_queries(owner, django_assert_max_num_queries):
    with django_assert_max_num_queries(23):
        catalog_findings()
    owner(ANYONE)
    owner("drop table chat_messages, usage_logs")
    with django_assert_max_num_queries(23):
        assert len(catalog_findings()) > 2
