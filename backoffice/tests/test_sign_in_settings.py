"""Settings of sign-in that cannot be meant are refused at start, each with a sentence."""

import json
import os
import subprocess
import sys

import pytest

from backoffice.settings import BASE_DIR

REAL = {
    "DATABASE_URL": "postgresql://backoffice@localhost/unused",
    "SECRET_KEY": "only-for-tests",
    "ALLOWED_HOSTS": "backoffice.example",
}
CASES = {
    "as shipped": {},
    "none": {"MFA_REQUIRED_ROLES": ""},
    "unknown role": {"MFA_REQUIRED_ROLES": "Finanace"},
    "no client": {"OIDC_SERVER_URL": "https://login.example.com"},
    "no https": {"OIDC_SERVER_URL": "http://login.example.com"},
    "no address": {"OIDC_SERVER_URL": "login.example.com"},
    "no way in": {"PASSWORD_SIGN_IN": "off"},
}
READ = """
import json, os, runpy, sys
found = {}
for name, environment in json.loads(sys.argv[1]).items():
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        found[name] = runpy.run_module("backoffice.settings")["MFA_REQUIRED_ROLES"]
    except Exception as error:
        found[name] = str(error)
    os.environ.clear()
    os.environ.update(before)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found():
    """What the settings of each case say, read in a process of their own: the roles, or why they are refused."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, "-c", READ, json.dumps(CASES)]
    done = subprocess.run(
        command, env={**kept, **REAL}, cwd=BASE_DIR, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_second_factor_is_for_money_and_admins_with_a_real_database(found):
    assert (found["as shipped"], found["none"]) == (["Finance", "Admin"], [])


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("unknown role", "“Finanace” is no role"),
        ("no client", "needs OIDC_CLIENT_ID and OIDC_CLIENT_SECRET"),
        ("no https", "begins with https://"),
        ("no address", "is an address such as"),
        ("no way in", "nobody could sign in"),
    ],
)
def test_what_cannot_be_meant_is_refused(found, case, sentence):
    assert sentence in found[case]
