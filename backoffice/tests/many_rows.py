"""A thousand rows of every table that pages read, as copies of one row each (site.make_rows), with texts as long as real
ones get. Written with triggers off, as what they would do is not asked about here.
"""

from django.apps import apps

MANY = 1000
TENANT = "'Fairweather, Weatherby & Sons Property Management Ltd ' || n"
AGENT = "'Reception and appointments, weekdays (English) ' || n"
PERSON = "'Alexandra-Josephine Featherstonehaugh ' || n"
SENTENCE = "'The caller asked for a refund of what was charged twice on Friday, see the ticket. ' || n"
SAYING = f"repeat({SENTENCE} || ' ', 4)"
ADDRESS = "'alexandra.featherstonehaugh.' || n || '@weatherby-and-sons.example.test'"
NEW_ID = "md5(r.{}::text || n)::uuid"  # the same for all columns that name the same copy

# {model or table: {column: SQL of its value in copy n of row r}}; other columns are those of the row.
COPIES = {
    "tenants.UserProfile": {"full_name": PERSON, "email": ADDRESS},
    "tenants.Organization": {"name": TENANT},
    "tenants.Note": {"text": SAYING},
    "tenants.AttentionItem": {"organization_id": NEW_ID, "organization_name": TENANT, "text": SENTENCE},
    "tenants.Erasure": {"reason": SENTENCE},
    "agents.Agent": {"name": AGENT},
    "agents.AgentSession": {"session_id": "'session_1765000000000_' || n"},
    "agents.AgentMessage": {"content": SAYING},
    "agents.ChatSession": {},
    "agents.ChatMessage": {"text": SAYING},
    "agents.Conversation": {
        "source_id": NEW_ID,
        "external_id": "'session_1765000000000_' || n",
        "flags": "array['incomplete']",
    },
    "agents.Label": {"name": "'Wrong appointment ' || n", "meaning": SENTENCE},
    "agents.ReviewNote": {"text": SENTENCE},
    "agents.Sample": {"name": "'Complaints about appointments, week ' || n"},
    "agents.SampleItem": {"position": "r.position + n", "source_id": NEW_ID},
    "agents.SettingChange": {"name": SENTENCE},
    "agents.SettingChangeRow": {"number": "r.number + n", "agent_name": AGENT},
    "telephony.SipTrunk": {},
    "telephony.PhoneNumber": {"phone_number": "'+4420' || 10000000 + n"},
    "telephony.CallLog": {"session_id": "'call-copy-' || n"},
    "billing.CreditTransaction": {"organization_name": TENANT, "reason": SENTENCE},
    "billing.Adoption": {"transaction_id": "1000000 + n", "reason": SENTENCE},
    "billing.BulkPosting": {"name": "'goodwill-after-the-outage-' || n || '.csv'", "sha256": "'sha-' || n"},
    "billing.BulkPostingRow": {"number": "r.number + n", "problem": "'unknown'", "reason": SENTENCE},
    "billing.CreditRequest": {"organization_name": TENANT, "reason": SENTENCE},
    "billing.ReconciliationRun": {},
    "billing.ReconciliationFinding": {"organization_name": TENANT},
    "billing.UsageLog": {},
    "billing.Statement": {"organization_id": NEW_ID, "organization_name": TENANT},
    "billing.SettlementDay": {"day": "r.day + n"},
    "billing.Settlement": {
        "organization_id": NEW_ID,
        "organization_name": TENANT,
        "transaction_id": "1000000 + n",
    },
    "billing.Price": {"model": "'vendor/model-of-the-year-' || n"},
    "backoffice.AuditEvent": {"reason": SENTENCE, "row_label": TENANT},
    "backoffice.ReadLog": {},
    "backoffice.User": {"email": ADDRESS, "first_name": PERSON},
    "backoffice.HealthFinding": {"rule": "'rule-' || n"},
    "backoffice.HealthRow": {},
    "backoffice.Job": {"title": SENTENCE},
    "backoffice.Figure": {"day": "r.day - n"},
}


def copy_rows(connection, rows):
    """MANY copies of a row each, over a superuser's connection; `rows` are {label: the row}, else any row is copied."""
    connection.execute("set session_replication_role = replica")
    for name, values in COPIES.items():
        model = apps.get_model(name)
        row = rows.get(name.lower())
        table, pk = table_of(model), model._meta.pk
        columns = columns_of(connection, table)
        unknown = set(values) - set(columns)
        assert not unknown, f"{table} has no {unknown}"
        new_pk = NEW_ID if columns[pk.column] == "uuid" else "1000000 + n"
        values = {pk.column: new_pk, **values}
        values = ", ".join(
            values[column].format(column) if column in values else f'r."{column}"' for column in columns
        )
        names = ", ".join(f'"{column}"' for column in columns)
        which = "where r.id::text = %s" if row else ""
        connection.execute(
            f"insert into {table} ({names}) overriding system value select {values}"
            f" from (select * from {table} r {which} order by r.id limit 1) r, generate_series(1, {MANY}) n",
            [str(row.pk)] if row else [],
        )
    connection.execute("set session_replication_role = origin")
    connection.execute("analyze")


def let_a_day_pass(connection):
    """Nothing changed lately, and who looks after conflicts and the catalog did so just now and will not for a day:
    what a page does beside showing itself does not hang on how long a test takes.
    """
    connection.execute("set session_replication_role = replica")
    connection.execute("update audit.event set at = at - interval '1 day'")
    connection.execute("update telephony_conflictlook set followed_at = now() + interval '1 day'")
    connection.execute("update backoffice_healthcheck set at = now() + interval '1 day'")
    connection.execute("set session_replication_role = origin")


def table_of(model):
    name = model._meta.db_table
    return name if '"' in name else f'"{name}"'


def columns_of(connection, table):
    """{column: type} of those that can be written."""
    found = connection.execute(
        "select attname, format_type(atttypid, null) from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 and not attisdropped and attgenerated = ''",
        [table],
    )
    return dict(found.fetchall())
