"""Changes of settings in many agents; the audit keeps one entry of each, when it is confirmed."""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0006_review_orders"),
        ("backoffice", "0006_recent"),
        ("tenants", "0010_forecast"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SettingChange",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=200, verbose_name="change")),
                ("deeds", models.JSONField()),
                ("row_ids", models.JSONField()),
                ("row_count", models.IntegerField(verbose_name="agents")),
                (
                    "list_query",
                    models.TextField(
                        blank=True,
                        help_text="The list it was asked from, as a query string.",
                        verbose_name="question",
                    ),
                ),
                ("owner_name", models.CharField(max_length=310, verbose_name="by")),
                ("reason", models.CharField(blank=True, max_length=500)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="asked for"
                    ),
                ),
                ("checked_at", models.DateTimeField(null=True, verbose_name="dry run")),
                ("confirmed_at", models.DateTimeField(null=True, verbose_name="confirmed")),
                (
                    "check_job",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="backoffice.job",
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="backoffice.job",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "settings change",
                "ordering": ["-created_at", "-id"],
                "default_permissions": ["view"],
            },
        ),
        migrations.CreateModel(
            name="SettingChangeRow",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.IntegerField()),
                ("agent_name", models.CharField(max_length=300)),
                ("organization_name", models.CharField(blank=True, max_length=255)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("ready", "Will change"),
                            ("already", "Nothing to change"),
                            ("blocked", "Blocked"),
                            ("gone", "Gone"),
                        ],
                        max_length=10,
                    ),
                ),
                ("fields", models.JSONField(default=list)),
                ("seen", models.JSONField(default=dict)),
                ("problem", models.TextField(blank=True)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("changed", "Changed"),
                            ("skipped", "Skipped: changed since"),
                            ("blocked", "Blocked"),
                            ("failed", "Failed"),
                        ],
                        max_length=10,
                        null=True,
                    ),
                ),
                ("message", models.TextField(blank=True)),
                ("done_at", models.DateTimeField(null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="agents.agent",
                    ),
                ),
                (
                    "change",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="agents.settingchange",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tenants.organization",
                    ),
                ),
            ],
            options={
                "ordering": ["change", "number"],
                "default_permissions": [],
            },
        ),
        migrations.AddIndex(
            model_name="settingchange",
            index=models.Index(fields=["-created_at", "-id"], name="setting_change_newest"),
        ),
        migrations.AddConstraint(
            model_name="settingchangerow",
            constraint=models.UniqueConstraint(fields=("change", "number"), name="setting_change_row_once"),
        ),
        migrations.RunSQL(
            "create or replace trigger audit_record after update on agents_settingchange for each row"
            " when (old.confirmed_at is distinct from new.confirmed_at)"
            " execute function audit.record('job_id', 'row_ids', 'deeds')",
            "drop trigger audit_record on agents_settingchange",
        ),
    ]
