"""Makes Django's own tables, a superuser and a session of theirs. Prints the Cookie header of it.

python -m bench.speed.stock.prepare         # STOCK_URL, PLATFORM_URL, DJANGO_SETTINGS_MODULE
"""


def main():
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    User = get_user_model()
    user = User.objects.filter(username="bench").first() or User.objects.create_superuser("bench")
    client = Client()
    client.force_login(user)
    print(f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}")


if __name__ == "__main__":
    main()
