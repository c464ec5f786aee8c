"""Signs a superuser in without the form. Prints {"cookie": the Cookie header, "token": that of their forms} as JSON.

python -m bench.speed.signing           # DATABASE_URL, SECRET_KEY, DJANGO_SETTINGS_MODULE
"""

import json

EMAIL = "bench-admin@example.test"


def main():
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.middleware.csrf import _get_new_csrf_string
    from django.test import Client

    from backoffice import testing

    user, _ = get_user_model().objects.get_or_create(
        email=EMAIL, defaults={"first_name": "Bench", "is_superuser": True}
    )
    client = Client()
    testing.sign_in(client, user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    token = _get_new_csrf_string()
    cookie = f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={token}"
    print(json.dumps({"cookie": cookie, "token": token}))


if __name__ == "__main__":
    main()
