"""Settings of sign-in that cannot be meant are refused at start, each with a sentence."""

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


def settings_with(**environment):
    """Imports the settings in a process of its own; returns (what it prints of one, its errors)."""
    code = "from backoffice import settings; print(settings.MFA_REQUIRED_ROLES)"
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, **environment},
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
    )
    return found.stdout.strip(), found.stderr


def test_second_factor_is_for_money_and_admins_with_a_real_database():
    assert settings_with(**REAL)[0] == "['Finance', 'Admin']"


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"MFA_REQUIRED_ROLES": "Finanace"}, "“Finanace” is no role"),
    ],
    ids=["unknown role"],
)
def test_what_cannot_be_meant_is_refused(environment, sentence):
    printed, errors = settings_with(**REAL, **environment)
    assert printed == "" and sentence in errors
