"""The AI agents of tenants."""

import copy
import re
import uuid
from decimal import Decimal

from django.db import models
from django.db.models.functions import Now

from backoffice import services
from backoffice.model_fields import JSONField, OpenChoiceField
from backoffice.page_model import PageModel

NOT_USED = "Stored, not used by the runtime."
NOT_ENFORCED = "Stored, not enforced by the runtime."


def json_default(value):
    return models.Value(value, models.JSONField())


def short_decimal(default=None, **kwargs):
    """A numeric(3,2) column: -9.99 to 9.99."""
    if default is not None:
        kwargs["db_default"] = Decimal(default)
    return models.DecimalField(max_digits=3, decimal_places=2, null=True, blank=True, **kwargs)


class AgentQuerySet(models.QuerySet):
    def published(self):
        """Agents published at least once. The runtime serves drafts too."""
        return self.filter(is_published=True)


class Agent(PageModel):
    """An AI agent of one tenant. Its id is public: it stands in every embed snippet.

    The browser app and the runtime go by `config` (JSON, four shapes); the flat columns are a copy that often
    stays behind at its defaults. Known values are listed, others occur and are shown as they are.
    """

    class LlmProvider(models.TextChoices):
        OPENAI = "openai", "OpenAI"
        ANTHROPIC = "anthropic"
        GOOGLE = "google"
        DEEPSEEK = "deepseek", "DeepSeek"

    class VoiceProvider(models.TextChoices):
        """Only the first two work; the others are offered to tenants and raise an error in the runtime."""

        ELEVENLABS = "elevenlabs", "ElevenLabs"
        OPENAI = "openai", "OpenAI"
        CARTESIA = "cartesia", "Cartesia (does not work)"
        GOOGLE = "google", "Google (does not work)"
        AZURE = "azure", "Azure (does not work)"

    class SttProvider(models.TextChoices):
        """Only the first two work; the others are offered to tenants and raise an error in the runtime."""

        WHISPER = "whisper"
        DEEPGRAM = "deepgram"
        OPENAI = "openai", "OpenAI (does not work)"
        GOOGLE = "google", "Google (does not work)"
        AZURE = "azure", "Azure (does not work)"

    class SttMode(models.TextChoices):
        FAST = "fast"
        ACCURATE = "accurate"
        STREAMING = "streaming", "Streaming (older)"

    class DenoisingMode(models.TextChoices):
        NOISE = "noise-cancellation"
        NOISE_AND_SPEECH = "noise-and-background-speech-cancellation"
        NONE = "none", "None (older)"
        LIGHT = "light", "Light (older)"
        AGGRESSIVE = "aggressive", "Aggressive (older)"

    class AmbientSound(models.TextChoices):
        NONE = "none"
        OFFICE = "office"
        CAFE = "cafe", "Café"
        NATURE = "nature"
        WHITE_NOISE = "white-noise"

    class VoicemailAction(models.TextChoices):
        HANGUP = "hangup", "Hang up"
        LEAVE_MESSAGE = "leave_message"
        OLD_LEAVE_MESSAGE = "leave-message", "Leave message (older)"

    class StoragePolicy(models.TextChoices):
        EVERYTHING = "everything"
        NO_PII = "no-pii", "No PII"
        BASIC_ATTRIBUTES = "basic-attributes"
        METADATA_ONLY = "metadata-only", "Metadata only (older)"
        NOTHING = "nothing", "Nothing (older)"

    # The runtime chooses the vendor by these prefixes; any other model silently runs as DEFAULT_LLM_MODEL.
    LLM_MODEL_PREFIXES = ("gpt", "claude", "gemini")
    DEFAULT_LLM_MODEL = "gpt-4o-mini"
    VOICE_PROVIDERS_THAT_WORK = (VoiceProvider.ELEVENLABS, VoiceProvider.OPENAI)
    STT_PROVIDERS_THAT_WORK = (SttProvider.WHISPER, SttProvider.DEEPGRAM)

    search_fields = ("name",)
    picker_related = ("organization",)
    named_by = ("name",)
    following_fields = ("config",)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        "tenants.Organization", models.DO_NOTHING, db_constraint=False, related_name="agents"
    )
    name = models.CharField(max_length=255)
    description = models.TextField(null=True, blank=True)

    llm_provider = OpenChoiceField(
        "LLM provider",
        max_length=50,
        null=True,
        blank=True,
        choices=LlmProvider,
        db_default=LlmProvider.OPENAI,
        help_text="Ignored: the runtime goes by the prefix of the model.",
    )
    llm_model = models.CharField(
        "LLM model",
        max_length=100,
        null=True,
        blank=True,
        db_default=DEFAULT_LLM_MODEL,
        help_text="Names that do not begin with gpt, claude or gemini run as gpt-4o-mini.",
    )
    system_prompt = models.TextField(null=True, blank=True)
    temperature = short_decimal("0.7")
    max_tokens = models.IntegerField(null=True, blank=True, db_default=1000)

    voice_provider = OpenChoiceField(max_length=50, null=True, blank=True, choices=VoiceProvider)
    voice_id = models.CharField("voice", max_length=255, null=True, blank=True)
    voice_model = models.CharField(max_length=100, null=True, blank=True)
    voice_speed = short_decimal("1.0", help_text="Used by OpenAI voices only.")
    voice_temperature = short_decimal("1.0", help_text=NOT_USED)
    voice_volume = short_decimal("1.0", help_text=NOT_USED)
    responsiveness = short_decimal("1.0", help_text=NOT_USED)
    interruption_sensitivity = short_decimal("1.0", help_text=NOT_USED)
    enable_backchannel = models.BooleanField(null=True, blank=True, db_default=True, help_text=NOT_USED)
    backchannel_words = JSONField(
        null=True, blank=True, db_default=json_default(["mm-hmm", "I see", "right"]), help_text=NOT_USED
    )
    boosted_keywords = JSONField(null=True, blank=True, db_default=json_default([]), help_text=NOT_USED)
    normalize_speech = models.BooleanField(null=True, blank=True, db_default=True, help_text=NOT_USED)
    ambient_sound = OpenChoiceField(
        max_length=50,
        null=True,
        blank=True,
        choices=AmbientSound,
        db_default=AmbientSound.NONE,
        help_text=NOT_USED,
    )
    ambient_volume = short_decimal("0.5", help_text=NOT_USED)

    max_duration_seconds = models.IntegerField(
        "longest call (s)", null=True, blank=True, db_default=1800, help_text=NOT_ENFORCED
    )
    end_after_silence_seconds = models.IntegerField(
        "end after silence (s)", null=True, blank=True, db_default=600, help_text=NOT_ENFORCED
    )
    voicemail_detection = models.BooleanField(null=True, blank=True, db_default=False, help_text=NOT_USED)
    voicemail_action = OpenChoiceField(
        max_length=20,
        null=True,
        blank=True,
        choices=VoicemailAction,
        db_default=VoicemailAction.HANGUP,
        help_text=NOT_USED,
    )
    voicemail_message = models.TextField(null=True, blank=True, help_text=NOT_USED)

    stt_provider = OpenChoiceField(
        "speech-to-text provider",
        max_length=50,
        null=True,
        blank=True,
        choices=SttProvider,
        db_default=SttProvider.WHISPER,
    )
    stt_mode = OpenChoiceField(
        "speech-to-text mode",
        max_length=20,
        null=True,
        blank=True,
        choices=SttMode,
        db_default=SttMode.FAST,
        help_text=NOT_USED,
    )
    denoising_mode = OpenChoiceField(
        max_length=50,
        null=True,
        blank=True,
        choices=DenoisingMode,
        db_default=DenoisingMode.NOISE,
        help_text="The browser only looks whether it is “none”.",
    )

    pii_redaction_enabled = models.BooleanField(
        "PII redaction",
        null=True,
        blank=True,
        db_default=False,
        help_text="Masks the reply only: what the visitor types is stored as typed.",
    )
    pii_redaction_list = JSONField("PII redaction list", null=True, blank=True, db_default=json_default([]))
    data_storage_policy = OpenChoiceField(
        max_length=50,
        null=True,
        blank=True,
        choices=StoragePolicy,
        db_default=StoragePolicy.EVERYTHING,
        help_text=NOT_ENFORCED,
    )

    webhook_url = models.CharField("webhook URL", null=True, blank=True, help_text="Stored, never called.")
    webhook_timeout_ms = models.IntegerField(
        "webhook timeout (ms)", null=True, blank=True, db_default=5000, help_text=NOT_USED
    )
    custom_headers = JSONField(
        null=True, blank=True, db_default=json_default({}), help_text="Stored, never sent. May hold secrets."
    )
    enabled_mcp_servers = JSONField(
        "enabled MCP servers", null=True, blank=True, db_default=json_default([]), help_text=NOT_USED
    )
    knowledge_base_ids = JSONField("knowledge base ids", null=True, blank=True, db_default=json_default([]))

    is_published = models.BooleanField(
        "published", null=True, blank=True, db_default=False, help_text="The runtime serves drafts too."
    )
    version = models.IntegerField(null=True, blank=True, db_default=1)
    config = JSONField(null=True, blank=True)
    created_at = models.DateTimeField(null=True, blank=True, editable=False, db_default=Now())
    updated_at = models.DateTimeField(null=True, blank=True, editable=False, db_default=Now())

    objects = AgentQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "agents"
        ordering = ["name", "id"]
        verbose_name = "agent"

    def __str__(self):
        return self.display_name

    @property
    def picker_hint(self):
        """Whose it is: many agents have the same name."""
        return str(self.organization)

    @property
    def display_name(self):
        """The name; where a builder fault has put a JSON text into the column, the name inside it."""
        name = self.name or ""
        if self.has_json_name:
            inner = re.search(r'"name"\s*:\s*"([^"\\]+)"', name)
            name = inner[1] if inner else ""
        return name or f"(no name) {self.pk}"

    def for_editing(self):
        """A copy that holds what is in effect, where the configuration says something else than a column."""
        from agents.effective import shown

        agent = copy.copy(self)
        agent.is_for_editing = True
        for name, value in shown(self).items():
            setattr(agent, name, value)
        return agent

    def save(self, *args, update_fields=None, stored=None, **kwargs):
        """A setting that the configuration holds is changed there as well, in the same statement: that one counts.

        A column that was behind is brought in step first, by a statement of its own, so that the history has what was
        in effect before, and can put it back. `stored` is the row as it is, where it was read under a lock already.
        """
        from agents.effective import in_step, shown

        if update_fields and "config" not in update_fields:
            stored = stored or Agent._base_manager.get(pk=self.pk)
            before = {name: value for name, value in shown(stored).items() if name in update_fields}
            if before:
                with services.other_reason(services.IN_STEP):
                    Agent._base_manager.filter(pk=self.pk).update(**before)
            config = in_step(stored.config, {name: getattr(self, name) for name in update_fields})
            if config is not None:
                self.config = config
                super().save(*args, update_fields=[*update_fields, "config"], **kwargs)
                self.refresh_from_db(fields=["config"])
                return
        super().save(*args, update_fields=update_fields, **kwargs)

    @property
    def has_json_name(self):
        """Whether the name column holds JSON, whole or cut off at its length; it may have secrets in it."""
        return (self.name or "").lstrip().startswith("{")
