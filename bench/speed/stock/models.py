"""The platform's tables as `manage.py inspectdb` describes them, with singular names and a `__str__` here and there."""

from django.db import models


class Organization(models.Model):
    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=255)
    owner_id = models.UUIDField()
    credits_balance = models.DecimalField(max_digits=10, decimal_places=2, blank=True, null=True)
    created_at = models.DateTimeField(blank=True, null=True)
    updated_at = models.DateTimeField(blank=True, null=True)

    class Meta:
        managed = False
        db_table = "organizations"

    def __str__(self):
        return self.name


class UserProfile(models.Model):
    id = models.UUIDField(primary_key=True)
    email = models.CharField(unique=True, max_length=255)
    full_name = models.CharField(max_length=255, blank=True, null=True)
    company_name = models.CharField(max_length=255, blank=True, null=True)
    phone_number = models.CharField(max_length=50, blank=True, null=True)
    avatar_url = models.TextField(blank=True, null=True)
    subscription_tier = models.CharField(max_length=50, blank=True, null=True)
    stripe_customer_id = models.CharField(max_length=255, blank=True, null=True)
    stripe_subscription_id = models.CharField(max_length=255, blank=True, null=True)
    created_at = models.DateTimeField(blank=True, null=True)
    updated_at = models.DateTimeField(blank=True, null=True)

    class Meta:
        managed = False
        db_table = "user_profiles"

    def __str__(self):
        return self.email


class Agent(models.Model):
    id = models.UUIDField(primary_key=True)
    organization = models.ForeignKey(Organization, models.DO_NOTHING)
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True, null=True)
    llm_provider = models.CharField(max_length=50, blank=True, null=True)
    llm_model = models.CharField(max_length=100, blank=True, null=True)
    system_prompt = models.TextField(blank=True, null=True)
    temperature = models.DecimalField(max_digits=3, decimal_places=2, blank=True, null=True)
    max_tokens = models.IntegerField(blank=True, null=True)
    voice_provider = models.CharField(max_length=50, blank=True, null=True)
    voice_id = models.CharField(max_length=255, blank=True, null=True)
    voice_model = models.CharField(max_length=100, blank=True, null=True)
    voice_speed = models.DecimalField(max_digits=3, decimal_places=2, blank=True, null=True)
    voice_temperature = models.DecimalField(max_digits=3, decimal_places=2, blank=True, null=True)
    voice_volume = models.DecimalField(max_digits=3, decimal_places=2, blank=True, null=True)
    responsiveness = models.DecimalField(max_digits=3, decimal_places=2, blank=True, null=True)
    interruption_sensitivity = models.DecimalField(max_digits=3, decimal_places=2, blank=True, null=True)
    enable_backchannel = models.BooleanField(blank=True, null=True)
    backchannel_words = models.JSONField(blank=True, null=True)
    boosted_keywords = models.JSONField(blank=True, null=True)
    normalize_speech = models.BooleanField(blank=True, null=True)
    ambient_sound = models.CharField(max_length=50, blank=True, null=True)
    ambient_volume = models.DecimalField(max_digits=3, decimal_places=2, blank=True, null=True)
    max_duration_seconds = models.IntegerField(blank=True, null=True)
    end_after_silence_seconds = models.IntegerField(blank=True, null=True)
    voicemail_detection = models.BooleanField(blank=True, null=True)
    voicemail_action = models.CharField(max_length=20, blank=True, null=True)
    voicemail_message = models.TextField(blank=True, null=True)
    stt_provider = models.CharField(max_length=50, blank=True, null=True)
    stt_mode = models.CharField(max_length=20, blank=True, null=True)
    denoising_mode = models.CharField(max_length=50, blank=True, null=True)
    pii_redaction_enabled = models.BooleanField(blank=True, null=True)
    pii_redaction_list = models.JSONField(blank=True, null=True)
    data_storage_policy = models.CharField(max_length=50, blank=True, null=True)
    webhook_url = models.TextField(blank=True, null=True)
    webhook_timeout_ms = models.IntegerField(blank=True, null=True)
    custom_headers = models.JSONField(blank=True, null=True)
    enabled_mcp_servers = models.JSONField(blank=True, null=True)
    knowledge_base_ids = models.JSONField(blank=True, null=True)
    is_published = models.BooleanField(blank=True, null=True)
    version = models.IntegerField(blank=True, null=True)
    config = models.JSONField(blank=True, null=True)
    created_at = models.DateTimeField(blank=True, null=True)
    updated_at = models.DateTimeField(blank=True, null=True)

    class Meta:
        managed = False
        db_table = "agents"

    def __str__(self):
        return self.name


class PhoneNumber(models.Model):
    id = models.UUIDField(primary_key=True)
    organization = models.ForeignKey(Organization, models.DO_NOTHING)
    agent = models.ForeignKey(Agent, models.DO_NOTHING, blank=True, null=True)
    phone_number = models.TextField(unique=True)
    provider = models.TextField(blank=True, null=True)
    provider_sid = models.TextField(blank=True, null=True)
    status = models.TextField(blank=True, null=True)
    created_at = models.DateTimeField(blank=True, null=True)

    class Meta:
        managed = False
        db_table = "phone_numbers"

    def __str__(self):
        return self.phone_number


class AgentSession(models.Model):
    id = models.UUIDField(primary_key=True)
    agent = models.ForeignKey(Agent, models.DO_NOTHING)
    session_id = models.CharField(unique=True, max_length=255)
    user_id = models.UUIDField(blank=True, null=True)
    website_domain = models.CharField(max_length=255, blank=True, null=True)
    ip_address = models.CharField(max_length=45, blank=True, null=True)
    channel = models.CharField(max_length=50, blank=True, null=True)
    conversation_history = models.JSONField(blank=True, null=True)
    context_data = models.JSONField(blank=True, null=True)
    message_count = models.IntegerField(blank=True, null=True)
    status = models.CharField(max_length=50, blank=True, null=True)
    started_at = models.DateTimeField(blank=True, null=True)
    last_activity_at = models.DateTimeField(blank=True, null=True)
    ended_at = models.DateTimeField(blank=True, null=True)
    created_at = models.DateTimeField(blank=True, null=True)

    class Meta:
        managed = False
        db_table = "agent_sessions"

    def __str__(self):
        return self.session_id


class AgentMessage(models.Model):
    id = models.UUIDField(primary_key=True)
    session = models.ForeignKey(AgentSession, models.DO_NOTHING)
    role = models.CharField(max_length=20)
    content = models.TextField()
    audio_url = models.TextField(blank=True, null=True)
    audio_duration_ms = models.IntegerField(blank=True, null=True)
    tokens_used = models.IntegerField(blank=True, null=True)
    latency_ms = models.IntegerField(blank=True, null=True)
    model_used = models.CharField(max_length=100, blank=True, null=True)
    created_at = models.DateTimeField(blank=True, null=True)

    class Meta:
        managed = False
        db_table = "agent_messages"


class CallLog(models.Model):
    id = models.UUIDField(primary_key=True)
    organization = models.ForeignKey(Organization, models.DO_NOTHING)
    agent = models.ForeignKey(Agent, models.DO_NOTHING, blank=True, null=True)
    phone_number = models.ForeignKey(PhoneNumber, models.DO_NOTHING, blank=True, null=True)
    session_id = models.TextField()
    direction = models.TextField()
    caller_number = models.TextField(blank=True, null=True)
    duration_seconds = models.IntegerField(blank=True, null=True)
    cost = models.DecimalField(max_digits=10, decimal_places=4, blank=True, null=True)
    recording_url = models.TextField(blank=True, null=True)
    status = models.TextField(blank=True, null=True)
    created_at = models.DateTimeField(blank=True, null=True)

    class Meta:
        managed = False
        db_table = "call_logs"


class UsageLog(models.Model):
    id = models.UUIDField(primary_key=True)
    agent = models.ForeignKey(Agent, models.DO_NOTHING)
    organization = models.ForeignKey(Organization, models.DO_NOTHING)
    session = models.ForeignKey(AgentSession, models.DO_NOTHING, blank=True, null=True)
    tokens_used = models.IntegerField(blank=True, null=True)
    cost_usd = models.DecimalField(max_digits=10, decimal_places=4, blank=True, null=True)
    model_used = models.CharField(max_length=100, blank=True, null=True)
    channel = models.CharField(max_length=50, blank=True, null=True)
    created_at = models.DateTimeField(blank=True, null=True)

    class Meta:
        managed = False
        db_table = "usage_logs"


class CreditTransaction(models.Model):
    id = models.BigAutoField(primary_key=True)
    organization_id = models.UUIDField()
    organization_name = models.TextField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    balance_after = models.DecimalField(max_digits=12, decimal_places=2)
    kind = models.TextField()
    reason = models.TextField()
    reference = models.TextField(blank=True, null=True)
    note = models.TextField(blank=True, null=True)
    actor = models.TextField()
    actor_id = models.BigIntegerField(blank=True, null=True)
    idempotency_key = models.TextField(unique=True, blank=True, null=True)
    reverses = models.ForeignKey("self", models.DO_NOTHING, blank=True, null=True)
    db_role = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "credit_transactions"
