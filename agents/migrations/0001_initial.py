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
            name="Agent",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=255)),
                ("description", models.TextField(blank=True, null=True)),
                (
                    "llm_provider",
                    models.CharField(
                        blank=True, db_default="openai", max_length=50, null=True, verbose_name="LLM provider"
                    ),
                ),
                (
                    "llm_model",
                    models.CharField(
                        blank=True,
                        db_default="gpt-4o-mini",
                        max_length=100,
                        null=True,
                        verbose_name="LLM model",
                    ),
                ),
                ("system_prompt", models.TextField(blank=True, null=True)),
                (
                    "temperature",
                    models.DecimalField(
                        blank=True, db_default=Decimal("0.7"), decimal_places=2, max_digits=3, null=True
                    ),
                ),
                ("max_tokens", models.IntegerField(blank=True, db_default=1000, null=True)),
                ("voice_provider", models.CharField(blank=True, max_length=50, null=True)),
                ("voice_id", models.CharField(blank=True, max_length=255, null=True, verbose_name="voice")),
                ("voice_model", models.CharField(blank=True, max_length=100, null=True)),
                (
                    "voice_speed",
                    models.DecimalField(
                        blank=True, db_default=Decimal("1.0"), decimal_places=2, max_digits=3, null=True
                    ),
                ),
                (
                    "voice_temperature",
                    models.DecimalField(
                        blank=True, db_default=Decimal("1.0"), decimal_places=2, max_digits=3, null=True
                    ),
                ),
                (
                    "voice_volume",
                    models.DecimalField(
                        blank=True, db_default=Decimal("1.0"), decimal_places=2, max_digits=3, null=True
                    ),
                ),
                (
                    "responsiveness",
                    models.DecimalField(
                        blank=True, db_default=Decimal("1.0"), decimal_places=2, max_digits=3, null=True
                    ),
                ),
                (
                    "interruption_sensitivity",
                    models.DecimalField(
                        blank=True, db_default=Decimal("1.0"), decimal_places=2, max_digits=3, null=True
                    ),
                ),
                ("enable_backchannel", models.BooleanField(blank=True, db_default=True, null=True)),
                (
                    "backchannel_words",
                    models.JSONField(
                        blank=True,
                        db_default=models.Value(["mm-hmm", "I see", "right"], models.JSONField()),
                        null=True,
                    ),
                ),
                (
                    "boosted_keywords",
                    models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), null=True),
                ),
                ("normalize_speech", models.BooleanField(blank=True, db_default=True, null=True)),
                ("ambient_sound", models.CharField(blank=True, db_default="none", max_length=50, null=True)),
                (
                    "ambient_volume",
                    models.DecimalField(
                        blank=True, db_default=Decimal("0.5"), decimal_places=2, max_digits=3, null=True
                    ),
                ),
                (
                    "max_duration_seconds",
                    models.IntegerField(
                        blank=True, db_default=1800, null=True, verbose_name="longest call (s)"
                    ),
                ),
                (
                    "end_after_silence_seconds",
                    models.IntegerField(
                        blank=True, db_default=600, null=True, verbose_name="end after silence (s)"
                    ),
                ),
                ("voicemail_detection", models.BooleanField(blank=True, db_default=False, null=True)),
                (
                    "voicemail_action",
                    models.CharField(blank=True, db_default="hangup", max_length=20, null=True),
                ),
                ("voicemail_message", models.TextField(blank=True, null=True)),
                (
                    "stt_provider",
                    models.CharField(
                        blank=True,
                        db_default="whisper",
                        max_length=50,
                        null=True,
                        verbose_name="speech-to-text provider",
                    ),
                ),
                (
                    "stt_mode",
                    models.CharField(
                        blank=True,
                        db_default="fast",
                        max_length=20,
                        null=True,
                        verbose_name="speech-to-text mode",
                    ),
                ),
                (
                    "denoising_mode",
                    models.CharField(blank=True, db_default="noise-cancellation", max_length=50, null=True),
                ),
                (
                    "pii_redaction_enabled",
                    models.BooleanField(
                        blank=True, db_default=False, null=True, verbose_name="PII redaction"
                    ),
                ),
                (
                    "pii_redaction_list",
                    models.JSONField(
                        blank=True,
                        db_default=models.Value([], models.JSONField()),
                        null=True,
                        verbose_name="PII redaction list",
                    ),
                ),
                (
                    "data_storage_policy",
                    models.CharField(blank=True, db_default="everything", max_length=50, null=True),
                ),
                ("webhook_url", models.CharField(blank=True, null=True, verbose_name="webhook URL")),
                (
                    "webhook_timeout_ms",
                    models.IntegerField(
                        blank=True, db_default=5000, null=True, verbose_name="webhook timeout (ms)"
                    ),
                ),
                (
                    "custom_headers",
                    models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), null=True),
                ),
                (
                    "enabled_mcp_servers",
                    models.JSONField(
                        blank=True,
                        db_default=models.Value([], models.JSONField()),
                        null=True,
                        verbose_name="enabled MCP servers",
                    ),
                ),
                (
                    "knowledge_base_ids",
                    models.JSONField(
                        blank=True,
                        db_default=models.Value([], models.JSONField()),
                        null=True,
                        verbose_name="knowledge base ids",
                    ),
                ),
                (
                    "is_published",
                    models.BooleanField(blank=True, db_default=False, null=True, verbose_name="published"),
                ),
                ("version", models.IntegerField(blank=True, db_default=1, null=True)),
                ("config", models.JSONField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        blank=True,
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        null=True,
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        blank=True,
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name": "agent",
                "db_table": "agents",
                "ordering": ["name", "id"],
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="AgentMessage",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("role", models.CharField(max_length=20)),
                ("content", models.TextField()),
                ("audio_url", models.CharField(blank=True, null=True, verbose_name="recording URL")),
                (
                    "audio_duration_ms",
                    models.IntegerField(blank=True, null=True, verbose_name="recording (ms)"),
                ),
                ("tokens_used", models.IntegerField(blank=True, null=True, verbose_name="tokens")),
                ("latency_ms", models.IntegerField(blank=True, null=True, verbose_name="latency (ms)")),
                ("model_used", models.CharField(blank=True, max_length=100, null=True, verbose_name="model")),
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
                "verbose_name": "message",
                "db_table": "agent_messages",
                "ordering": [
                    models.OrderBy(backoffice.keyset.OldestIfNull(models.F("created_at")), descending=True),
                    "-id",
                ],
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="AgentSession",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "external_id",
                    models.CharField(
                        db_column="session_id", max_length=255, unique=True, verbose_name="session id"
                    ),
                ),
                ("website_domain", models.CharField(blank=True, max_length=255, null=True)),
                (
                    "ip_address",
                    models.CharField(blank=True, max_length=45, null=True, verbose_name="IP address"),
                ),
                ("channel", models.CharField(blank=True, db_default="text", max_length=50, null=True)),
                (
                    "conversation_history",
                    models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), null=True),
                ),
                (
                    "context_data",
                    models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), null=True),
                ),
                (
                    "message_count",
                    models.IntegerField(blank=True, db_default=0, null=True, verbose_name="messages"),
                ),
                ("status", models.CharField(blank=True, db_default="active", max_length=50, null=True)),
                (
                    "started_at",
                    models.DateTimeField(
                        blank=True,
                        db_default=django.db.models.functions.datetime.Now(),
                        null=True,
                        verbose_name="started",
                    ),
                ),
                (
                    "last_activity_at",
                    models.DateTimeField(
                        blank=True,
                        db_default=django.db.models.functions.datetime.Now(),
                        null=True,
                        verbose_name="last activity",
                    ),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
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
                "verbose_name": "session",
                "db_table": "agent_sessions",
                "ordering": [
                    models.OrderBy(backoffice.keyset.OldestIfNull(models.F("created_at")), descending=True),
                    "-id",
                ],
                "permissions": [
                    ("read_transcript", "Can read transcript content (masked)"),
                    ("reveal_transcript", "Can reveal masked content"),
                    ("close_session", "Can close a stale session"),
                ],
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="ChatMessage",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("role", models.CharField()),
                ("text", models.TextField()),
                (
                    "timestamp",
                    models.DateTimeField(
                        blank=True,
                        db_default=django.db.models.functions.datetime.Now(),
                        null=True,
                        verbose_name="time",
                    ),
                ),
            ],
            options={
                "verbose_name": "legacy chat message",
                "db_table": "chat_messages",
                "ordering": [
                    models.OrderBy(backoffice.keyset.OldestIfNull(models.F("timestamp")), descending=True),
                    "-id",
                ],
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="ChatSession",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
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
                "verbose_name": "legacy chat",
                "db_table": "chat_sessions",
                "ordering": [
                    models.OrderBy(backoffice.keyset.OldestIfNull(models.F("created_at")), descending=True),
                    "-id",
                ],
                "managed": False,
            },
        ),
    ]
