from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Billing"

    def ready(self):
        from backoffice.context import COUNTS
        from backoffice.health.ages import ages
        from backoffice.needs import needs as register
        from billing import needs
        from billing.ages import age_of_reconciliation, age_of_settlement
        from billing.bulk_postings import posting
        from billing.reconciliation import runs
        from billing.views import requests

        COUNTS["billing:bulkposting_list"] = posting.WAITING
        COUNTS["billing:creditrequest_list"] = requests.WAITING
        COUNTS["billing:reconciliation"] = runs.DRIFT
        ages(age_of_reconciliation)
        ages(age_of_settlement)
        for provider in (needs.decisions, needs.balances, needs.closing):
            register(provider)
