"""Sessions of staff in a table of our own, invitations, and two rules that hold whoever writes: an account's sessions
end when its password, role or state changes, and the last active admin stays.
"""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

END_SESSIONS = """
create function backoffice.end_sessions() returns trigger language plpgsql set search_path = '' as $$
declare
  whose bigint;
  why text := 'role';
begin
  if tg_table_name = 'backoffice_user' then
    whose := new.id;
    if new.password is distinct from old.password then
      why := 'password';
    elsif not new.is_active then
      why := 'suspended';
    end if;
  else
    whose := case when tg_op = 'DELETE' then old.user_id else new.user_id end;
  end if;
  update backoffice.backoffice_staffsession set ended_at = clock_timestamp(), ended_why = why, session_data = ''
  where account_id = whose and ended_at is null;
  return null;
end $$;
create trigger end_sessions after update of password, is_active, is_superuser on backoffice.backoffice_user
  for each row when (old.password is distinct from new.password or old.is_active is distinct from new.is_active
                     or old.is_superuser is distinct from new.is_superuser)
  execute function backoffice.end_sessions();
create trigger end_sessions after insert or update or delete on backoffice.backoffice_user_groups
  for each row execute function backoffice.end_sessions();
create trigger audit_record after update of ended_at on backoffice.backoffice_staffsession
  for each row when (old.ended_at is null and new.ended_at is not null)
  execute function audit.record('actor_optional', 'session_data');
"""
NO_MORE_ENDING = """
drop trigger audit_record on backoffice.backoffice_staffsession;
drop trigger end_sessions on backoffice.backoffice_user_groups;
drop trigger end_sessions on backoffice.backoffice_user;
drop function backoffice.end_sessions();
"""
# One transaction after the other asks: two admins who suspend each other at once would both still see the other.
KEEP_AN_ADMIN = """
create function backoffice.keep_an_admin() returns trigger language plpgsql set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(hashtext('backoffice.keep_an_admin'));
  if not exists (select from backoffice.backoffice_user where is_superuser and is_active) then
    raise exception '% is the last active admin. Make somebody else admin first.', old.email using errcode = 'P0001';
  end if;
  return null;
end $$;
create trigger keep_an_admin after update of is_superuser, is_active on backoffice.backoffice_user
  for each row when (old.is_superuser and old.is_active and not (new.is_superuser and new.is_active))
  execute function backoffice.keep_an_admin();
create trigger keep_an_admin_deleted after delete on backoffice.backoffice_user
  for each row when (old.is_superuser and old.is_active)
  execute function backoffice.keep_an_admin();
"""
NO_MORE_KEEPING = """
drop trigger keep_an_admin_deleted on backoffice.backoffice_user;
drop trigger keep_an_admin on backoffice.backoffice_user;
drop function backoffice.keep_an_admin();
"""


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0010_sign_in")]

    operations = [
        migrations.AlterModelOptions(
            name="user", options={"ordering": ["email"], "verbose_name": "staff account"}
        ),
        migrations.CreateModel(
            name="StaffSession",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("key_hash", models.CharField(max_length=64, unique=True)),
                ("session_data", models.TextField()),
                ("expire_date", models.DateTimeField(db_index=True)),
                ("started_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("address", models.CharField(max_length=45)),
                ("browser", models.CharField(max_length=300)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "ended_why",
                    models.CharField(
                        choices=[
                            ("by_hand", "ended by somebody"),
                            ("password", "the password was changed"),
                            ("role", "the role was changed"),
                            ("suspended", "the account was suspended"),
                            ("factors", "the second factor was reset"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="staff_sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"verbose_name": "session", "default_permissions": []},
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("email", models.EmailField(max_length=254, verbose_name="e-mail")),
                ("secret_hash", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="invitations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "default_permissions": [],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(used_at=None, withdrawn_at=None),
                        fields=["account"],
                        name="invitation_one_open",
                    )
                ],
            },
        ),
        migrations.RunSQL(
            "create trigger audit_record after insert or update or delete on backoffice.backoffice_invitation"
            " for each row execute function audit.record('actor_optional')",
            "drop trigger audit_record on backoffice.backoffice_invitation",
        ),
        migrations.RunSQL(END_SESSIONS, NO_MORE_ENDING),
        migrations.RunSQL(KEEP_AN_ADMIN, NO_MORE_KEEPING),
        # Django's own table is used no more; everybody signs in anew.
        migrations.RunSQL("drop table if exists backoffice.django_session", migrations.RunSQL.noop),
    ]
