from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Billing"

    def ready(self):
        from backoffice.context import COUNTS
        from billing.bulk_postings.posting import waiting_count

        COUNTS["billing:bulkposting_list"] = waiting_count
