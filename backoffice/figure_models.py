"""Sums by day (UTC) of what the platform's tables hold, as backoffice/figures keeps them, and how far they are."""

from django.db import models


class Source(models.TextChoices):
    """What is counted; docs/dashboards.md says what `quantity`, `failed` and `odd` are of each."""

    USAGE = "usage", "Usage records"
    CALL = "call", "Calls"
    CONVERSATION = "conversation", "Conversations"
    TURN = "turn", "Measured turns"
    SIGNUP = "signup", "New tenants"
    # Only in DayFigure: tenants with rows of the first three.
    ACTIVE = "active", "Active tenants"


class FigureQuerySet(models.QuerySet):
    def of_active_tenants(self):
        """What makes a tenant count as active on a day."""
        active = [Source.USAGE, Source.CALL, Source.CONVERSATION]
        return self.filter(source__in=active, tenant_id__isnull=False)


class Sums(models.Model):
    """`day` is -infinity for rows whose time is of no day. A channel or model that is not recorded is ""."""

    source = models.CharField(max_length=12, choices=Source)
    day = models.DateField()
    channel = models.TextField(default="")
    model = models.TextField(default="")
    bucket = models.SmallIntegerField(default=0)
    rows = models.BigIntegerField(default=0)
    quantity = models.BigIntegerField(default=0)
    cost = models.DecimalField(max_digits=40, decimal_places=4, default=0)
    failed = models.BigIntegerField(default=0)
    odd = models.BigIntegerField(default=0)

    class Meta:
        abstract = True
        default_permissions = []


class Figure(Sums):
    """One day of one tenant, by channel and model.

    The column is called tenant_id, not organization_id: these rows follow the platform's (also when a tenant is closed)
    and must not be deleted beside them, or the sums over all tenants would keep what they counted. None is for
    what belongs to no single tenant.
    """

    tenant_id = models.UUIDField(null=True)

    objects = FigureQuerySet.as_manager()

    class Meta(Sums.Meta):
        default_permissions = ["view"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "day", "tenant_id", "channel", "model", "bucket"],
                nulls_distinct=False,
                name="figure_once",
            )
        ]
        indexes = [models.Index("tenant_id", "day", name="figure_tenant")]

    def __str__(self):
        return f"{self.source} of {self.day}"


class DayFigure(Sums):
    """The same of all tenants together: what the dashboard reads."""

    class Meta(Sums.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["day", "source", "channel", "model", "bucket"], name="day_figure_once"
            )
        ]

    def __str__(self):
        return f"{self.source} of {self.day}"


class FigureState(models.Model):
    """How far the figures of a source are. `caught_up_at` is the database's time of the last complete look,
    `changed_at` of the last one that found something.

    While everything is counted (again), newest first, `position` is the day last counted, `done` of about `total` rows
    were read; `built_at` is None until all of it was.
    """

    source = models.CharField(primary_key=True, max_length=12, choices=Source)
    caught_up_at = models.DateTimeField(null=True)
    looked_far_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)
    compared_at = models.DateTimeField(null=True)
    built_at = models.DateTimeField(null=True)
    position = models.DateField(null=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = []

    def __str__(self):
        return self.source


class FigurePeriod(models.Model):
    """What is too much to add up for every reader: of the last 7, 30 and 90 days, the tenants with the most of each.

    `content` is {"active": …, "active_before": …, "most": {measure: [[tenant or null, now, before], …]}}; of 30 days
    also "agents": {"dead": …, "drafts": …}.
    """

    days = models.SmallIntegerField(primary_key=True)
    until = models.DateField(null=True)
    counted_at = models.DateTimeField(null=True)
    content = models.JSONField(default=dict)

    class Meta:
        default_permissions = []

    def __str__(self):
        return f"{self.days} days"
