import uuid
from decimal import Decimal

import django.db.models.functions.datetime
from django.db import migrations, models

import backoffice.keyset


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="CallLog",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("session_ref", models.CharField(db_column="session_id", verbose_name="session id")),
                ("direction", models.CharField()),
                ("caller_number", models.CharField(blank=True, null=True, verbose_name="caller")),
                (
                    "duration_seconds",
                    models.IntegerField(blank=True, db_default=0, null=True, verbose_name="duration (s)"),
                ),
                (
                    "cost",
                    models.DecimalField(
                        blank=True, db_default=Decimal("0"), decimal_places=4, max_digits=10, null=True
                    ),
                ),
                ("recording_url", models.CharField(blank=True, null=True, verbose_name="recording URL")),
                ("status", models.CharField(blank=True, db_default="active", null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        blank=True,
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        null=True,
                        verbose_name="started",
                    ),
                ),
            ],
            options={
                "verbose_name": "call",
                "db_table": "call_logs",
                "ordering": [
                    models.OrderBy(backoffice.keyset.OldestIfNull(models.F("created_at")), descending=True),
                    "-id",
                ],
                "permissions": [("correct_call", "Can correct a call's duration, cost and status")],
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="PhoneNumber",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("e164", models.CharField(db_column="phone_number", unique=True, verbose_name="number")),
                ("provider", models.CharField(blank=True, db_default="twilio", null=True)),
                ("provider_sid", models.CharField(blank=True, null=True, verbose_name="provider's id")),
                ("status", models.CharField(blank=True, db_default="active", null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        blank=True,
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name": "phone number",
                "db_table": "phone_numbers",
                "ordering": ["e164"],
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="SipTrunk",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("provider", models.CharField()),
                ("username", models.CharField(blank=True, null=True)),
                ("sip_domain", models.CharField(blank=True, null=True, verbose_name="SIP domain")),
                (
                    "created_at",
                    models.DateTimeField(
                        blank=True,
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name": "SIP trunk",
                "db_table": "sip_trunks",
                "ordering": [
                    models.OrderBy(backoffice.keyset.OldestIfNull(models.F("created_at")), descending=True),
                    "-id",
                ],
                "managed": False,
            },
        ),
    ]
