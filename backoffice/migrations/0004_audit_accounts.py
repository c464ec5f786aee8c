"""Changes of staff accounts and their roles leave an audit entry too; Django writes the last log-in without a person."""

from django.db import migrations

TABLES = ["backoffice_user", "backoffice_user_groups"]


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0003_job")]

    operations = [
        migrations.RunSQL(
            f"create or replace trigger audit_record after insert or update or delete on {table} for each row"
            " execute function audit.record('actor_optional', 'last_login')",
            f"drop trigger audit_record on {table}",
        )
        for table in TABLES
    ]
