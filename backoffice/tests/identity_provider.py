"""Runs canaille, an OpenID Connect provider of its own, with accounts in a file in the current
folder (its own store in memory takes one code for another). A process of test_sso.py, not a test.

    python identity_provider.py <socket> <port> '{"people": [...], "redirects": ["http://…"], "secret": "…"}'

`socket` is the number of a bound socket that was inherited. Of a person: name, mail, and what the provider says of
the mail (`verified`: "true", "false", or "" for nothing). Passwords are "correct horse".
"""

import asyncio
import json
import secrets
import sys

from asgiref.wsgi import WsgiToAsgi
from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from canaille.oidc import provider as canaille_provider
from hypercorn.asyncio import serve
from hypercorn.config import Config
from joserfc.jwk import RSAKey

PASSWORD = "correct horse"
CLIENT_ID = "backoffice"


# Its access tokens say subject and second, so two sign-ins in one second get the same, which its table refuses.
canaille_provider.generate_access_token = lambda client, grant_type, user, scope: secrets.token_urlsafe(32)


def provider(port, people, redirects, secret):
    key = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig", "alg": "RS256"})
    app = create_app(
        config={
            "SECRET_KEY": "only-for-tests",
            "SERVER_NAME": f"localhost:{port}",
            "PREFERRED_URL_SCHEME": "http",
            "SESSION_COOKIE_SECURE": False,
            "CANAILLE": {"DATABASE": "sql", "SMTP": None},
            "CANAILLE_SQL": {
                "DATABASE_URI": "sqlite:///provider.sqlite",
                "PASSWORD_SCHEMES": "pbkdf2_sha512",
            },
            "CANAILLE_OIDC": {"ACTIVE_JWKS": [key.as_dict(private=True)]},
        }
    )
    with app.app_context():
        Backend.instance.install(app)
        app.config["CANAILLE_OIDC"]["USERINFO_MAPPING"]["EMAIL_VERIFIED"] = "{{ user.title or '' }}"
        for person in people:
            user = models.User(
                user_name=person["name"],
                formatted_name=person["name"],
                family_name=person["name"],
                emails=[person["mail"]],
                title=person["verified"],
                password=PASSWORD,
            )
            Backend.instance.save(user)
        client = models.Client(
            client_id=CLIENT_ID,
            client_secret=secret,
            client_name="Back office",
            client_uri="http://127.0.0.1",
            redirect_uris=redirects,
            grant_types=["authorization_code"],
            response_types=["code"],
            scope=["openid", "email"],
            token_endpoint_auth_method="client_secret_post",
            require_auth_time=False,
        )
        Backend.instance.save(client)
        client.audience = [client]
        Backend.instance.save(client)
    return app


if __name__ == "__main__":
    socket, port, options = sys.argv[1:]
    config = Config()
    config.bind = [f"fd://{socket}"]
    asyncio.run(serve(WsgiToAsgi(provider(int(port), **json.loads(options))), config))
