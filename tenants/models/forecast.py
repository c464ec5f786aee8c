"""What tenants spend a day, kept so that all of them can be sorted and filtered by how long their balances last."""

from django.db import models


class Forecast(models.Model):
    """Spending of one tenant over the last 7 and 28 days, by the rule of tenants/health/credit.py.

    Only tenants that spent something have a row. Written by tenants/forecast.py alone; the balance is not stored here.
    """

    organization = models.OneToOneField(
        "tenants.Organization",
        models.DO_NOTHING,
        db_constraint=False,
        primary_key=True,
        related_name="forecast",
    )
    deducted_7 = models.DecimalField(max_digits=24, decimal_places=4)
    cost_7 = models.DecimalField(max_digits=24, decimal_places=4)
    days_7 = models.DecimalField(max_digits=10, decimal_places=4)
    per_day_7 = models.DecimalField(max_digits=30, decimal_places=10)
    deducted_28 = models.DecimalField(max_digits=24, decimal_places=4)
    cost_28 = models.DecimalField(max_digits=24, decimal_places=4)
    days_28 = models.DecimalField(max_digits=10, decimal_places=4)
    per_day_28 = models.DecimalField(max_digits=30, decimal_places=10)

    class Meta:
        default_permissions = []

    def __str__(self):
        return f"spending of {self.organization_id}"


class ForecastRun(models.Model):
    """When spending was last looked up for all tenants. One row."""

    id = models.IntegerField(primary_key=True, default=1)
    at = models.DateTimeField()
    seconds = models.FloatField()
    tenants = models.IntegerField()

    class Meta:
        default_permissions = []

    def __str__(self):
        return f"{self.tenants} tenants at {self.at}"
