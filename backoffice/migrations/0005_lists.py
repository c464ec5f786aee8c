"""Saved views (audited), remembered columns, bulk actions."""

import uuid

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0004_audit_accounts"),
    ]

    operations = [
        migrations.CreateModel(
            name="BulkRun",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("list_name", models.CharField(max_length=100)),
                ("action", models.CharField(max_length=100)),
                ("query", models.TextField(blank=True)),
                ("row_ids", models.JSONField()),
                ("form", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "job",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="bulk_run",
                        to="backoffice.job",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "default_permissions": [],
            },
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("list_name", models.CharField(max_length=100)),
                ("name", models.CharField(max_length=80)),
                ("shared", models.BooleanField(default=False)),
                ("query", models.TextField(blank=True)),
                ("columns", models.JSONField(default=list)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "owner",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="saved_views",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
                "default_permissions": [],
            },
        ),
        migrations.CreateModel(
            name="ListChoice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("list_name", models.CharField(max_length=100)),
                ("columns", models.JSONField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "default_view",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="backoffice.savedview",
                    ),
                ),
            ],
            options={
                "default_permissions": [],
            },
        ),
        migrations.CreateModel(
            name="BulkResult",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("row_id", models.CharField(max_length=64)),
                ("label", models.CharField(max_length=200)),
                (
                    "outcome",
                    models.CharField(
                        choices=[("changed", "Changed"), ("skipped", "Skipped"), ("failed", "Failed")],
                        max_length=10,
                    ),
                ),
                ("message", models.TextField(blank=True)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="results",
                        to="backoffice.bulkrun",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "default_permissions": [],
                "constraints": [models.UniqueConstraint(fields=("run", "row_id"), name="bulk_row_once")],
            },
        ),
        migrations.AddIndex(
            model_name="savedview",
            index=models.Index(fields=["list_name"], name="saved_view_list"),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(
                models.F("owner"),
                models.F("list_name"),
                django.db.models.functions.text.Lower("name"),
                name="saved_view_name_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="listchoice",
            constraint=models.UniqueConstraint(fields=("user", "list_name"), name="list_choice_once"),
        ),
        migrations.RunSQL(
            "create or replace trigger audit_record after insert or update or delete on backoffice_savedview"
            " for each row execute function audit.record()",
            "drop trigger audit_record on backoffice_savedview",
        ),
    ]
