"""Conversations are rows of our own, which the index of conversations writes; what it changes is counted again."""

from django.db import migrations

FUNCTION = """
create function backoffice.mark_conversation_figures() returns trigger language plpgsql set search_path = '' as $$
begin
  if tg_op = 'UPDATE' then
    insert into figures.mark (source, day, tenant_id)
    select distinct 'conversation', figures.day(s.started_at), s.tenant
    from changed n join before o on o.id = n.id
    cross join lateral (values
      (n.started_at, case when n.flags @> '{shared}' then null else n.organization_id end),
      (o.started_at, case when o.flags @> '{shared}' then null else o.organization_id end)) s (started_at, tenant)
    where (n.started_at, n.organization_id, n.channel, n.counted, n.stored, n.flags)
      is distinct from (o.started_at, o.organization_id, o.channel, o.counted, o.stored, o.flags);
  else
    insert into figures.mark (source, day, tenant_id)
    select distinct 'conversation', figures.day(started_at),
      case when flags @> '{shared}' then null else organization_id end
    from changed;
  end if;
  return null;
end $$
"""
TRIGGER = """
create trigger figures_{name} after {event} on backoffice.agents_conversation
referencing {tables} for each statement execute function backoffice.mark_conversation_figures()
"""
TABLES = {
    "insert": "new table as changed",
    "update": "old table as before new table as changed",
    "delete": "old table as changed",
}


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0007_figures"),
        ("agents", "0006_review_orders"),
    ]

    operations = [
        migrations.RunSQL(FUNCTION, "drop function backoffice.mark_conversation_figures()"),
        *(
            migrations.RunSQL(
                TRIGGER.format(name=event, event=event, tables=tables),
                f"drop trigger figures_{event} on backoffice.agents_conversation",
            )
            for event, tables in TABLES.items()
        ),
    ]
