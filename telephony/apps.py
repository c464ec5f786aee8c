from django.apps import AppConfig


class TelephonyConfig(AppConfig):
    name = "telephony"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Telephony"

    def ready(self):
        from backoffice import background
        from backoffice.health.ages import ages
        from backoffice.needs import needs
        from telephony.conflicts import follow
        from telephony.conflicts.ages import age_of_conflicts
        from telephony.conflicts.needs import conflicts_that_wait

        background.every(5, follow)
        needs(conflicts_that_wait)
        ages(age_of_conflicts)
