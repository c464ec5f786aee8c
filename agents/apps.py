from django.apps import AppConfig


class AgentsConfig(AppConfig):
    name = "agents"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Agents and conversations"

    def ready(self):
        from agents import needs
        from agents.conversations import index
        from agents.conversations.ages import age_of_index
        from backoffice import background
        from backoffice.health.ages import ages
        from backoffice.needs import needs as register

        background.every(3, index.follow)
        ages(age_of_index)
        register(needs.reviews)
        register(needs.use)
