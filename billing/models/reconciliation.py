"""Checks that every balance is what its ledger says, and what they found (docs/reconciliation.md)."""

from django.conf import settings
from django.db import models

from backoffice.model_fields import JSONField, LooseForeignKey, OpenChoiceField
from backoffice.page_model import PageModel
from billing.reconciliation.rules import RULES


class ReconciliationRun(PageModel):
    """One check of all organizations, over one moment (`as_of`) of the database.

    `found` is {rule: [how many, sum of their amounts without signs as text]}, complete even where not every finding
    was kept. Costs are in USD, balances in credits.
    """

    id = models.BigAutoField(primary_key=True)
    as_of = models.DateTimeField("checked")
    seconds = models.DecimalField("took (seconds)", max_digits=9, decimal_places=2)
    actor_name = models.CharField("asked for by", max_length=310)
    actor = LooseForeignKey(settings.AUTH_USER_MODEL, related_name="+", db_index=False)
    organizations = models.IntegerField()
    ledger_rows = models.BigIntegerField()
    balance = models.DecimalField("sum of balances", max_digits=20, decimal_places=2)
    ledger = models.DecimalField("sum of the ledger", max_digits=20, decimal_places=2)
    settled_from = models.DateField("settled from", null=True)
    watermark = models.DateField("settled up to", null=True)
    settled = models.DecimalField("settled (USD)", max_digits=26, decimal_places=9)
    late = models.DecimalField("late (USD)", max_digits=26, decimal_places=9)
    pending = models.DecimalField("pending (USD)", max_digits=26, decimal_places=9)
    drift = models.IntegerField("findings that are drift")
    found = JSONField(default=dict)

    class Meta:
        ordering = ["-id"]
        verbose_name = "reconciliation"
        default_permissions = ["view"]
        permissions = [("run_reconciliation", "Can check all balances now")]

    def __str__(self):
        return f"reconciliation {self.pk}"


class ReconciliationFinding(models.Model):
    """What a check found at one organization. `diverged_at` is the time of the first ledger row that does not fit, or
    (`is_after`) of the last one that does.
    """

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(ReconciliationRun, models.CASCADE, related_name="findings", db_index=False)
    rule = OpenChoiceField(max_length=30, choices=[(name, rule.label) for name, rule in RULES.items()])
    organization = LooseForeignKey("tenants.Organization", related_name="+", db_index=False)
    organization_name = models.CharField("organization's name", max_length=255)
    amount = models.DecimalField(max_digits=26, decimal_places=9, null=True)
    diverged_at = models.DateTimeField("first diverging", null=True)
    is_after = models.BooleanField("after that time", default=False)
    detail = models.CharField(max_length=500)
    url = models.CharField("leads to", max_length=500)

    class Meta:
        ordering = ["-id"]
        verbose_name = "finding"
        default_permissions = []
        indexes = [
            models.Index(fields=["run", "rule", "id"], name="finding_of_run"),
            models.Index(fields=["organization", "run"], name="finding_of_organization"),
        ]

    def __str__(self):
        return f"{self.organization_name}: {self.detail}"

    @property
    def known_rule(self):
        """The Rule; None for one that does not exist any more."""
        return RULES.get(self.rule)
