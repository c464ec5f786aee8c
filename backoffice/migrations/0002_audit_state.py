from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(verbose_name="time")),
                ("table_name", models.CharField(verbose_name="table")),
                ("row_id", models.CharField(verbose_name="record id")),
                ("row_label", models.CharField(verbose_name="record")),
                ("action", models.CharField()),
                ("old", models.JSONField(null=True)),
                ("new", models.JSONField(null=True)),
                ("actor_id", models.BigIntegerField(null=True)),
                ("actor", models.CharField(verbose_name="by")),
                ("reason", models.CharField(null=True)),
                ("request_id", models.CharField(null=True, verbose_name="request")),
                ("db_role", models.CharField(verbose_name="database role")),
                ("jwt_sub", models.CharField(null=True, verbose_name="login id")),
                ("source", models.CharField()),
            ],
            options={
                "verbose_name": "audit event",
                "db_table": '"audit"."event"',
                "ordering": ["-id"],
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="ReadLog",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(verbose_name="time")),
                ("actor_id", models.BigIntegerField(null=True)),
                ("actor", models.CharField(verbose_name="by")),
                ("kind", models.CharField()),
                ("table_name", models.CharField(verbose_name="table")),
                ("row_id", models.CharField(null=True, verbose_name="record id")),
                ("row_label", models.CharField(null=True, verbose_name="record")),
                ("detail", models.CharField(null=True)),
                ("reason", models.CharField(null=True)),
                ("request_id", models.CharField(null=True, verbose_name="request")),
                ("db_role", models.CharField(verbose_name="database role")),
            ],
            options={
                "verbose_name": "read log entry",
                "verbose_name_plural": "read log entries",
                "db_table": '"audit"."read_log"',
                "ordering": ["-id"],
                "managed": False,
            },
        ),
    ]
