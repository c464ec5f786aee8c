import os
import re
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from backoffice import schema, testing
from backoffice.checks import check_database, connection_faults, function_faults, refuse_bad_connection
from backoffice.health.schema_differences import own_trigger_findings
from backoffice.own_triggers import AUDITED, trigger_faults
from backoffice.postgresql.base import PREVIEW
from backoffice.table_checks import platform_models, table_faults
from backoffice.tests.pooler import TransactionPooler

TABLES = {
    "organizations",
    "user_profiles",
    "agents",
    "agent_sessions",
    "agent_messages",
    "chat_sessions",
    "chat_messages",
    "sip_trunks",
    "phone_numbers",
    "call_logs",
    "usage_logs",
    "credit_transactions",
    '"audit"."event"',
    '"audit"."read_log"',
}


def table_messages():
    return [fault.msg for fault in table_faults(connection, platform_models())]


class TestTables:
    def test_every_table_of_the_platform_is_compared(self):
        assert {model._meta.db_table for model in platform_models()} >= TABLES

    def test_our_own_schema_has_no_faults(self, db):
        assert table_messages() == []
        assert function_faults(connection) == []

    def test_two_queries_do_for_all_tables(self, db, django_assert_num_queries):
        with django_assert_num_queries(2):
            table_faults(connection, platform_models())

    @pytest.mark.parametrize(
        ("sql", "code", "sentence"),
        [
            ("drop table chat_messages", "E011", "Table chat_messages is missing."),
            ("drop table audit.read_log", "E011", "Table audit.read_log is missing."),
            (
                "alter table agents drop column webhook_url, drop column config",
                "E012",
                "Table agents has no column config, webhook_url.",
            ),
            (
                "alter table call_logs alter cost type text using cost::text",
                "E013",
                "Column call_logs.cost is of type text, the back office expects numeric.",
            ),
            (
                "alter table agent_sessions alter started_at type timestamp",
                "E013",
                "Column agent_sessions.started_at is of type timestamp without time zone, the back office expects "
                "timestamp with time zone.",
            ),
            (
                "alter table phone_numbers alter phone_number drop not null",
                "E014",
                "Column phone_numbers.phone_number may be NULL, the back office expects that it never is.",
            ),
            (
                "revoke select (name, owner_id) on organizations from backoffice",
                "E015",
                "Role backoffice lacks rights on table organizations: select on name, owner_id.",
            ),
            (
                "revoke update (status) on phone_numbers from backoffice;"
                "revoke insert (password) on sip_trunks from backoffice",
                "E015",
                "Role backoffice lacks rights on table phone_numbers: update on status.",
            ),
            (
                "revoke insert (password) on sip_trunks from backoffice",
                "E015",
                "Role backoffice lacks rights on table sip_trunks: insert on password.",
            ),
            (
                "revoke usage on schema audit from backoffice",
                "E015",
                "Role backoffice has no right to use schema audit.",
            ),
            (
                "alter table user_profiles disable row level security",
                "E016",
                "Row level security is off for table user_profiles.",
            ),
            (
                'drop policy "backoffice: read" on agents',
                "E017",
                "No policy lets role backoffice see rows of table agents: its pages would be empty.",
            ),
            (
                "grant update (credits_balance), delete on organizations to backoffice",
                "E018",
                "Role backoffice has rights on table organizations that it should not have: delete, update "
                "credits_balance.",
            ),
            (
                "grant select (password) on sip_trunks to backoffice",
                "E018",
                "Role backoffice has rights on table sip_trunks that it should not have: select password.",
            ),
            (
                "grant update on credit_transactions to public",
                "E018",
                "Role backoffice has rights on table credit_transactions that it should not have: update actor,",
            ),
            (
                "grant create on schema public to backoffice; alter table agents owner to backoffice",
                "E018",
                "Role backoffice owns table agents, so that policies do not hold it back.",
            ),
            (
                "set local role backoffice; create table backoffice.agents (id int)",
                "E020",
                "Table backoffice.agents hides agents: it stands first in the search path.",
            ),
            (
                "alter table agents alter name type varchar(40)",
                "W012",
                "Column agents.name takes 40 characters, the back office offers 255: the database will refuse "
                "longer text.",
            ),
            (
                "alter table agents add created_by uuid, add is_active boolean",
                "I001",
                "Table agents has columns that the back office does not know and leaves alone: created_by, is_active.",
            ),
            (
                "alter table agents add plan text not null",
                "W011",
                "Table agents demands a value for plan, which the back office does not know: adding a row here "
                "will fail.",
            ),
        ],
    )
    def test_a_difference_is_told_in_a_sentence(self, owner, sql, code, sentence):
        owner(sql)
        faults = table_faults(connection, platform_models())
        told = [
            fault for fault in faults if fault.id == f"backoffice.{code}" and fault.msg.startswith(sentence)
        ]
        assert told, [fault.msg for fault in faults]
        assert told[0].hint or code in ("W012", "I001")

    def test_a_narrower_name_for_the_same_type_is_no_difference(self, owner):
        owner(
            "create domain amount as integer; alter table usage_logs alter tokens_used type amount;"
            "alter table agents alter description type varchar; alter table agents alter version type bigint"
        )
        assert table_messages() == []

    def test_a_view_in_place_of_a_table_needs_no_row_level_security(self, owner):
        owner(
            "alter table chat_messages rename to chat_lines;"
            "create view public.chat_messages as select * from chat_lines;"
            "grant select on public.chat_messages to backoffice"
        )
        assert table_messages() == []

    def test_an_older_database_that_was_patched_and_upgraded_has_only_extra_columns(
        self, embedded, django_db_blocker
    ):
        database = testing.Database(embedded, f"older_pid{os.getpid()}")
        embedded.create_database(database.name)
        try:
            schema.apply(embedded.url(database.name, "embedded_admin"), schema.LOCAL)
            for script in ("older_shape", "odd_rows", "hand_patched"):
                with database.connect("embedded_admin" if script == "odd_rows" else "postgres") as older:
                    older.execute((Path(__file__).parent / "sql" / f"{script}.sql").read_text())
            schema.apply(database.owner_url, *schema.OURS)
            with django_db_blocker.unblock(), database.django():
                faults = table_faults(connection, platform_models())
                for model in platform_models():
                    assert all(str(row) for row in model.objects.all())
        finally:
            embedded.drop_database(database.name)
        assert {fault.id for fault in faults} == {"backoffice.I001"}
        (agents,) = [fault.msg for fault in faults if fault.obj._meta.model_name == "agent"]
        assert agents.endswith("leaves alone: config_json, created_by, is_active.")

    def test_a_function_that_may_not_be_called_is_told(self, owner):
        owner(
            "drop function audit.find_login(text);"
            "revoke execute on function post_credit(uuid, numeric, text, text, text, text, text, bigint) "
            "from backoffice"
        )
        assert [fault.msg for fault in function_faults(connection)] == [
            "Function audit.find_login is missing, or the back office may not call it.",
            "Function public.post_credit is missing, or the back office may not call it.",
        ]


class TestOwnTriggers:
    """Role backoffice owns its tables, so it can take the audit's triggers away; that is told."""

    def test_every_audited_table_is_in_the_list(self, owner):
        found = owner(
            "select c.relname, t.tgtype from pg_trigger t join pg_class c on c.oid = t.tgrelid"
            " where t.tgfoid = 'audit.record'::regproc and c.relnamespace = 'backoffice'::regnamespace"
        )
        assert dict(found) == AUDITED
        assert trigger_faults(connection) == []

    @pytest.mark.parametrize(
        "deed",
        [
            "drop trigger audit_record on tenants_note",
            "alter table tenants_note disable trigger audit_record",
            "alter table tenants_note enable replica trigger audit_record",
            "alter table tenants_note disable trigger all",
            "create or replace trigger audit_record after insert on tenants_note for each row"
            " execute function audit.record()",
        ],
        ids=["dropped", "disabled", "replica", "all", "fewer deeds"],
    )
    def test_a_trigger_that_was_taken_away_is_told_at_start_and_in_data_health(self, db, deed):
        with connection.cursor() as cursor:
            cursor.execute(deed)  # as role backoffice: it may
            (finding,) = own_trigger_findings(SimpleNamespace(cursor=cursor))
        (fault,) = trigger_faults(connection)
        assert fault.is_serious() and "tenants_note" in fault.msg and "enable trigger" in fault.hint
        assert (finding.level, finding.subject) == ("bad", "backoffice.tenants_note")

    def test_it_is_not_told_while_migrations_wait(self, db):
        with connection.cursor() as cursor:
            cursor.execute("drop trigger audit_record on tenants_note")
        (newest,) = MigrationLoader(connection).graph.leaf_nodes("tenants")
        MigrationRecorder(connection).record_unapplied(*newest)
        assert trigger_faults(connection) == []


class TestConnection:
    def test_role_backoffice_may_work(self, fresh_database):
        with fresh_database.django():
            assert check_database(databases=["default"]) == []
            refuse_bad_connection()
            call_command("check", database=["default"], tags=["database"])

    @pytest.mark.parametrize(
        ("role", "sentence"),
        [
            ("embedded_admin", "The database login embedded_admin is a superuser:"),
            ("postgres", "The database login postgres has BYPASSRLS:"),
        ],
    )
    def test_a_privileged_login_is_refused(self, fresh_database, role, sentence):
        with fresh_database.django(role):
            with pytest.raises(ImproperlyConfigured, match=f"^{sentence}.*Put role backoffice"):
                refuse_bad_connection()
            with pytest.raises(SystemCheckError, match=sentence):
                call_command("check", database=["default"], tags=["database"])

    def test_a_role_that_was_only_set_does_not_hide_a_privileged_login(self, fresh_database):
        with fresh_database.django("postgres"):
            with connection.cursor() as cursor:
                cursor.execute("set role backoffice")
            with pytest.raises(ImproperlyConfigured, match="postgres has BYPASSRLS"):
                refuse_bad_connection()

    def test_membership_in_a_privileged_role_is_refused(self, fresh_database):
        member = f"member_of_{fresh_database.name}"
        with fresh_database.connect("embedded_admin") as admin:
            admin.execute(f"create role {member} login in role service_role, backoffice")
        try:
            with fresh_database.django(member):
                (fault,) = connection_faults(connection)
                assert fault.msg == (
                    f"The database login {member} is a member of service_role and could take the rights of that role."
                )
                assert fault.hint == f"Run: revoke service_role from {member};"
        finally:
            with fresh_database.connect("embedded_admin") as admin:
                admin.execute(f"drop role {member}")

    def test_the_login_of_the_tenants_view_may_only_take_a_tenants_part(self, fresh_database):
        other = f"other_{fresh_database.name}"
        with fresh_database.connect("embedded_admin") as admin:
            admin.execute(f"create role {other} login in role service_role")
        try:
            with fresh_database.django():
                assert check_database(databases=[PREVIEW]) == []
                del connections[PREVIEW]
                connections.settings[PREVIEW]["USER"] = other
                assert [fault.msg for fault in check_database(databases=[PREVIEW])] == [
                    f"The login {other} of the tenant's view is not role backoffice_preview as db/preview.sql makes it.",
                    f"The login {other} of the tenant's view is a member of service_role, not of authenticated alone.",
                    f"The login {other} of the tenant's view may open transactions that write.",
                ]
        finally:
            with fresh_database.connect("embedded_admin") as admin:
                admin.execute(f"drop role {other}")

    def test_another_search_path_is_refused(self, fresh_database):
        with fresh_database.django():
            with connection.cursor() as cursor:
                cursor.execute("set search_path = public")
            with pytest.raises(
                ImproperlyConfigured, match="search_path is “public”, it has to be “backoffice, public”"
            ):
                refuse_bad_connection()

    @pytest.mark.parametrize("reuse_last", [True, False])
    def test_a_pooler_in_transaction_mode_is_refused(self, fresh_database, reuse_last):
        with (
            TransactionPooler(fresh_database.server.socket_dir, reuse_last=reuse_last) as pooler,
            fresh_database.django(),
        ):
            settings = connections["default"].settings_dict
            before, settings["HOST"] = settings["HOST"], pooler.folder
            try:
                with pytest.raises(
                    ImproperlyConfigured, match=r"a pooler in transaction mode.*port 5432, not 6543"
                ):
                    refuse_bad_connection()
            finally:
                connections["default"].close()
                settings["HOST"] = before

    def test_supabase_pooler_port_is_refused_without_asking(self, fresh_database):
        with fresh_database.django(), pytest.MonkeyPatch.context() as patch:
            wrapper = connections["default"]
            params = {"host": "aws-0-eu-west-1.pooler.supabase.com", "port": 6543}
            with wrapper.cursor():
                patch.setattr(wrapper, "get_connection_params", lambda: params)
                patch.setattr(psycopg, "connect", lambda **kwargs: pytest.fail("It was asked."))
                with pytest.raises(ImproperlyConfigured, match="a pooler in transaction mode"):
                    refuse_bad_connection()

    def test_a_database_that_does_not_answer_is_told(self, fresh_database):
        with fresh_database.django():
            settings = connections["default"].settings_dict
            before, settings["HOST"] = settings["HOST"], "/nonexistent"
            try:
                (fault,) = check_database(databases=["default"])
            finally:
                settings["HOST"] = before
        assert re.match("The database could not be checked: .*/nonexistent", fault.msg)

    def test_plain_check_does_not_touch_the_database(self):
        assert check_database() == []
