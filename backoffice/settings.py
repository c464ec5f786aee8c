"""Settings of the back office, all of them.

Values come from the environment and from the file `.env`; `.env.example` explains each. Without DATABASE_URL
this is the demo: an embedded PostgreSQL under `var/`, plain http on localhost.
"""

import os
import sys
from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from phonenumbers import SUPPORTED_REGIONS

from backoffice.alive import heartbeat_file
from backoffice.embedded import EmbeddedPostgres
from backoffice.environment import (
    bind_address,
    day_or_none,
    days_kept,
    demo_secret_key,
    env,
    oidc_hosts,
    rate,
    required,
    roles,
    whole_number,
)
from backoffice.postgresql.pulse import WatchedConnection
from backoffice.replicas.addresses import databases as replica_databases
from backoffice.roles import ADMIN, FINANCE

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

# The suite has its own server and no look at .env: a test run must never reach a real database.
TESTING = "pytest" in sys.modules
if not TESTING:
    env.read_env(BASE_DIR / ".env")
SERVING = "backoffice.wsgi" in sys.modules
if SERVING:
    os.environ.pop("PLATFORM_OWNER_URL", None)  # for manage.py platform_schema alone
DATABASE_URL = "" if TESTING else env.str("DATABASE_URL", "")
EMBEDDED = not DATABASE_URL
EMBEDDED_PLACE = VAR_DIR / "postgres"


# Core

DEBUG = env.bool("DEBUG", False)
HTTPS = False if TESTING else env.bool("HTTPS", not EMBEDDED)
if TESTING:
    SECRET_KEY = "only-for-tests"
elif EMBEDDED:
    SECRET_KEY = env.str("SECRET_KEY", "") or demo_secret_key(VAR_DIR / "secret-key")
else:
    SECRET_KEY = required("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
if EMBEDDED:
    ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
else:
    ALLOWED_HOSTS = [host.strip() for host in required("ALLOWED_HOSTS").split(",") if host.strip()]

ROOT_URLCONF = "backoffice.urls"
WSGI_APPLICATION = "backoffice.wsgi.application"
AUTH_USER_MODEL = "backoffice.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Forms: what they may hold. Files count in UPLOAD_MAX_BYTES alone; the pages that take one set a lower limit.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
DATA_UPLOAD_MAX_NUMBER_FILES = 1
UPLOAD_MAX_BYTES = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = UPLOAD_MAX_BYTES  # kept in memory, so that no file is left behind
FILE_UPLOAD_HANDLERS = [
    "backoffice.uploads.LimitedUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
]

INSTALLED_APPS = [
    "backoffice",
    "tenants",
    "agents",
    "telephony",
    "billing",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "csp",
    "django_filters",
    "django_htmx",
    "django_tables2",
    "lucide",
    "procrastinate.contrib.django",
    "whitenoise.runserver_nostatic",
    "backoffice.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
]

MIDDLEWARE = [
    "backoffice.probes.ProbeMiddleware",
    "backoffice.middleware.RequestIdMiddleware",
    "backoffice.headers.HeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "backoffice.headers.MethodMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "backoffice.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "backoffice.sessions.middleware.AuthenticationMiddleware",
    "backoffice.sessions.middleware.LoginRequiredMiddleware",
    "backoffice.sign_in.middleware.SecondFactorMiddleware",
    "backoffice.middleware.TimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "backoffice.replicas.middleware.ReplicaMiddleware",  # the last: it may answer by itself what the view would
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "backoffice.quick_nodes.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.tz",
                "backoffice.context.shell",
            ],
        },
    },
]
FORM_RENDERER = "backoffice.widgets.Renderer"

# Database: the platform's (design: docs/database.md), or the embedded one

DATABASES = {
    "default": {
        **(
            {
                "NAME": "platform",
                "USER": "backoffice",
                "HOST": EmbeddedPostgres(EMBEDDED_PLACE).socket_dir,
            }
            if EMBEDDED
            else env.db_url("DATABASE_URL")
        ),
        "ENGINE": "backoffice.postgresql",
        "CONN_HEALTH_CHECKS": not SERVING,  # those of the pool are checked by our backend
    },
}
# The server's pool (backoffice/postgresql/base.py has its times). Attempts to reconnect end after three seconds, and
# the next request begins new ones: left alone, their pauses would grow to minutes.
POOL = {
    "min_size": 1,
    "max_size": env.int("DATABASE_POOL_SIZE", 8),
    "reconnect_timeout": 3,
    "connection_class": WatchedConnection,
}
# A database from which nothing is heard for so long, although it was asked, is away (docs/faults.md).
DATABASE_ANSWER_SECONDS = env.float("DATABASE_ANSWER_SECONDS", 0.5)
if not 0.1 <= DATABASE_ANSWER_SECONDS <= 30:
    raise ImproperlyConfigured("DATABASE_ANSWER_SECONDS is a number of seconds from 0.1 to 30.")
DATABASES["default"].setdefault("OPTIONS", {}).update(
    connect_timeout=2 if SERVING else 5,
    keepalives_idle=30,
    keepalives_interval=5,
    keepalives_count=3,
    tcp_user_timeout=20_000,  # ms; a network path that is lost is noticed, not waited for
    application_name="backoffice",
    pool=POOL
    if SERVING
    else False,  # commands connect directly: they fail at once, with the server's own words
)
# Read replicas (docs/replicas.md)
REPLICA_URLS = "" if TESTING else env.str("REPLICA_URLS", "")
if REPLICA_URLS and EMBEDDED:
    raise ImproperlyConfigured("REPLICA_URLS needs DATABASE_URL: the demo's database has no replicas.")
REPLICA_MAX_LAG_SECONDS = env.int("REPLICA_MAX_LAG_SECONDS", 10)
if not 1 <= REPLICA_MAX_LAG_SECONDS <= 3600:
    raise ImproperlyConfigured("REPLICA_MAX_LAG_SECONDS is a number of seconds from 1 to 3600.")
_replicas = replica_databases(REPLICA_URLS, DATABASES["default"])
REPLICAS = list(_replicas)
DATABASES |= _replicas
DATABASE_ROUTERS = ["backoffice.replicas.choice.Router"] if REPLICAS else []
# The tenant's view (docs/tenant-view.md) has a login of its own; without its address it is not offered. Each use opens
# a connection and closes it, so that nothing of one tenant is left for the next.
PREVIEW_DATABASE_URL = "" if TESTING else env.str("PREVIEW_DATABASE_URL", "")
HAS_PREVIEW = EMBEDDED or bool(PREVIEW_DATABASE_URL)
if HAS_PREVIEW:
    preview = (
        env.db_url("PREVIEW_DATABASE_URL")
        if PREVIEW_DATABASE_URL
        else {**DATABASES["default"], "USER": "backoffice_preview"}
    )
    options = {**DATABASES["default"]["OPTIONS"], **preview.get("OPTIONS", {})}
    options.update(application_name="backoffice preview", pool=False)
    DATABASES["preview"] = {**preview, "ENGINE": "backoffice.postgresql", "OPTIONS": options}
PREVIEW_MINUTES = env.int("PREVIEW_MINUTES", 30)
if not 1 <= PREVIEW_MINUTES <= 30:
    raise ImproperlyConfigured("PREVIEW_MINUTES is a number of minutes from 1 to 30.")
CACHES = {
    "default": {
        "BACKEND": "backoffice.cache.DatabaseCache",
        "LOCATION": "backoffice_cache",
        # It holds what throttles sign-in, and which codes were used: whoever asks for much must not push them out.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}

# Sign-in

AUTHENTICATION_BACKENDS = ["backoffice.accounts.StaffBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "backoffice.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # admins make the accounts
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False  # the others end, the one that changed it goes on
SESSION_ENGINE = "backoffice.sessions.store"
SESSION_IDLE_MINUTES = whole_number("SESSION_IDLE_MINUTES", 60, least=5, most=24 * 60)
SESSION_HOURS = whole_number("SESSION_HOURS", 12, least=1, most=7 * 24)
SESSION_COOKIE_AGE = SESSION_HOURS * 60 * 60
# Money, reveals and staff accounts ask for a sign-in or confirmation not older than this; 0 switches it off.
FRESH_FACTOR_MINUTES = whole_number("FRESH_FACTOR_MINUTES", 15, least=0, most=12 * 60)
ACCOUNT_REAUTHENTICATION_TIMEOUT = (FRESH_FACTOR_MINUTES or 15) * 60
INVITATION_HOURS = whole_number("INVITATION_HOURS", 72, least=1, most=30 * 24)
ACCOUNT_FORMS = {"reset_password": "backoffice.sign_in.forms.ResetPasswordForm"}
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"
# Tries per network address (ip), per account and place (key: sign_in/throttle.py) or per account (user). What answers
# 429 for a whole page is per minute: the page says so. Tries that succeed do not count for login_ and factor_failed.
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    "login_failed": "30/m/ip,10/5m/key,100/d/key",
    "factor_failed": "30/m/ip,10/5m/key,50/d/key",
    "reset_password": "10/m/ip,5/m/key",
    "reset_mail": "5/h/key",  # beyond it the answer is the same, and no mail is sent
    "reset_password_from_key": "20/m/ip",
    "reauthenticate": "10/m/user",
    "change_password": "5/m/user",
}
MFA_RATE_LIMITS = {"webauthn_login": "20/m/ip"}
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Back office: "
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a new factor, a removed one, another password: to the person
ACCOUNT_REAUTHENTICATION_REQUIRED = True

# Second factor: an authenticator app (TOTP), passkeys, recovery codes (docs/sign-in.md)

MFA_ADAPTER = "backoffice.sign_in.factors.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Back office"
MFA_TOTP_TOLERANCE = 1  # half a minute before and after
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_FORMS = {
    "authenticate": "backoffice.sign_in.forms.AuthenticateForm",
    "reauthenticate": "backoffice.sign_in.forms.ReauthenticateForm",
    "login_webauthn": "backoffice.sign_in.forms.SignInPasskeyForm",
    "authenticate_webauthn": "backoffice.sign_in.forms.AuthenticatePasskeyForm",
    "reauthenticate_webauthn": "backoffice.sign_in.forms.ReauthenticatePasskeyForm",
    "add_webauthn": "backoffice.sign_in.forms.AddPasskeyForm",
}
MFA_REQUIRED_ROLES = roles(
    "MFA_REQUIRED_ROLES", default="" if EMBEDDED else f"{FINANCE}, {ADMIN}"
)  # nobody of these reaches anything without one
# Single sign-on by OpenID Connect; off without OIDC_SERVER_URL
SOCIALACCOUNT_ADAPTER = "backoffice.sign_in.sso.SocialAccountAdapter"
OIDC_SERVER_URL = env.str("OIDC_SERVER_URL", "").strip().rstrip("/")
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", "")
OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", "")
OIDC_NAME = env.str("OIDC_NAME", "single sign-on")
OIDC_SECOND_FACTOR = env.bool("OIDC_SECOND_FACTOR", False)  # whether its second factor stands in for ours
OIDC_MAIL_DOMAINS = [domain.strip().lower() for domain in env.list("OIDC_MAIL_DOMAINS", default=[])]
OIDC_HOSTS = oidc_hosts(OIDC_SERVER_URL)
PASSWORD_SIGN_IN = env.bool("PASSWORD_SIGN_IN", True)
if OIDC_SERVER_URL and not (OIDC_CLIENT_ID and OIDC_CLIENT_SECRET):
    raise ImproperlyConfigured("OIDC_SERVER_URL needs OIDC_CLIENT_ID and OIDC_CLIENT_SECRET.")
if not PASSWORD_SIGN_IN and not OIDC_SERVER_URL:
    raise ImproperlyConfigured("PASSWORD_SIGN_IN=off needs OIDC_SERVER_URL: nobody could sign in.")
SIGN_IN_DAYS = env.int("SIGN_IN_DAYS", 180)  # sign-ins, and those that failed, are kept so long
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "backoffice@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# Transport and browser

TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0)
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", 365 * 24 * 60 * 60) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
COOKIE_PREFIX = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}backoffice-session"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}backoffice-csrf"
CSRF_COOKIE_HTTPONLY = True  # pages carry the token themselves
MESSAGE_STORAGE = "backoffice.messages.Storage"
REPLICA_COOKIE_NAME = f"{COOKIE_PREFIX}backoffice-wrote"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

MEDIA_HOSTS = env.list("MEDIA_HOSTS", default=[])
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "media-src": [SELF, *MEDIA_HOSTS],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

# Static files

STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(VAR_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG or TESTING
            else "backoffice.static_files.Storage"
        )
    },
}
WHITENOISE_AUTOREFRESH = DEBUG or TESTING  # else every test's client would read the whole folder first
WHITENOISE_USE_FINDERS = DEBUG or TESTING  # nothing is gathered then
WHITENOISE_MAX_AGE = 0 if DEBUG else 60
WHITENOISE_ALLOW_ALL_ORIGINS = False

# Language and time: stored and computed in UTC, shown in each person's zone

LANGUAGE_CODE = "en-us"
USE_I18N = False  # all texts are English; asking each of them for its language costs milliseconds of a page
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", "UTC")

# Ours

ENVIRONMENT = env.str("ENVIRONMENT", "demo" if EMBEDDED else "production")
ENVIRONMENT_TONE = env.str(
    "ENVIRONMENT_TONE", {"demo": "info", "production": "bad"}.get(ENVIRONMENT.lower(), "warn")
)
CREDIT_UNIT = env.str("CREDIT_UNIT", "credits")


CREDIT_REQUEST_DAYS = env.int("CREDIT_REQUEST_DAYS", 7)
if not 1 <= CREDIT_REQUEST_DAYS <= 365:
    raise ImproperlyConfigured("CREDIT_REQUEST_DAYS is a number of days from 1 to 365.")
TICKET_URL = env.str("TICKET_URL", "")
if TICKET_URL and ("{}" not in TICKET_URL or not TICKET_URL.startswith(("https://", "http://"))):
    raise ImproperlyConfigured(
        "TICKET_URL is an address with {} for the number: https://tickets.example.com/{}"
    )
STALE_SESSION_HOURS = env.int("STALE_SESSION_HOURS", 24)
MAX_CALL_MINUTES = env.int("MAX_CALL_MINUTES", 240)
# Telephone numbers: silent after so many days without a call; typed without a country code, they are of this country.
NUMBER_SILENT_DAYS = env.int("NUMBER_SILENT_DAYS", 60)
PHONE_DEFAULT_REGION = env.str("PHONE_DEFAULT_REGION", "").strip().upper()
if PHONE_DEFAULT_REGION and PHONE_DEFAULT_REGION not in SUPPORTED_REGIONS:
    raise ImproperlyConfigured("PHONE_DEFAULT_REGION is the two letters of a country, such as US, GB or DE.")
CLOSING_EXPORT_HOURS = min(env.int("CLOSING_EXPORT_HOURS", 24), 7 * 24)  # the database accepts seven days
# When a tenant's health shows a sign (tenants/health); each is stated on the tenant page.
HEALTH_SPENDING_DAYS = env.int("HEALTH_SPENDING_DAYS", 28)
HEALTH_DRY_DAYS = env.int("HEALTH_DRY_DAYS", 7)
HEALTH_SILENT_DAYS = env.int("HEALTH_SILENT_DAYS", 3)
HEALTH_DAILY_USE_DAYS = env.int("HEALTH_DAILY_USE_DAYS", 20)
HEALTH_FORGOTTEN_DAYS = env.int("HEALTH_FORGOTTEN_DAYS", 60)
HEALTH_CALL_DAYS = env.int("HEALTH_CALL_DAYS", 2)
HEALTH_CALL_FAILURES = env.int("HEALTH_CALL_FAILURES", 5)
HEALTH_CALL_FACTOR = env.float("HEALTH_CALL_FACTOR", 2)
# Settlement of usage and calls (docs/settlement.md); off without a first day. Rates are credits per USD of cost.
SETTLEMENT_FROM = day_or_none("SETTLEMENT_FROM")
SETTLEMENT_RATE = rate("SETTLEMENT_RATE")
SETTLEMENT_CALL_RATE = rate("SETTLEMENT_CALL_RATE")
SETTLEMENT_ESTIMATED = env.bool("SETTLEMENT_ESTIMATED", False)
SETTLEMENT_ACCOUNT = env.str("SETTLEMENT_ACCOUNT", "")
SETTLEMENT_AUTOMATIC = env.bool("SETTLEMENT_AUTOMATIC", False)
if SETTLEMENT_AUTOMATIC and not (SETTLEMENT_FROM and SETTLEMENT_ACCOUNT):
    raise ImproperlyConfigured("SETTLEMENT_AUTOMATIC needs SETTLEMENT_FROM and SETTLEMENT_ACCOUNT.")
# How long entries of the audit are kept (docs/audit.md); 0 is for ever. The database refuses less than a year, too.


AUDIT_KEEP_DAYS = 0 if TESTING else days_kept("AUDIT_KEEP_DAYS")
READ_LOG_KEEP_DAYS = 0 if TESTING else days_kept("READ_LOG_KEEP_DAYS")
JOB_FILES_DIR = Path(env.str("JOB_FILES_DIR", str(VAR_DIR / "jobs")))
JOB_FILES_DAYS = env.int("JOB_FILES_DAYS", 7)
WORKER_HEARTBEAT = heartbeat_file()

# Metrics for Prometheus (backoffice/metrics/), each on an address of its own; off when empty


METRICS_BIND = bind_address("METRICS_BIND")
METRICS_BIND_WORKER = bind_address("METRICS_BIND_WORKER")

# Reports of errors to Sentry (backoffice/sentry.py); its client is not even imported without an address

SENTRY_DSN = "" if TESTING else env.str("SENTRY_DSN", "")
RELEASE = env.str("RELEASE", "")

# Logs on standard output, without content (backoffice/logs.py)

LOG_LEVEL = env.str("LOG_LEVEL", "WARNING" if EMBEDDED else "INFO").upper()
LOG_FORMAT = env.str("LOG_FORMAT", "") or ("text" if sys.stdout and sys.stdout.isatty() else "json")
LOG_FORMATTERS = {"json": "backoffice.logs.JsonFormatter", "text": "backoffice.logs.TextFormatter"}
if LOG_FORMAT not in LOG_FORMATTERS:
    raise ImproperlyConfigured("LOG_FORMAT is json or text; empty for text on a terminal and json elsewhere.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": LOG_FORMATTERS[LOG_FORMAT]}},
    "handlers": {
        "stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "line"},
    },
    "root": {"handlers": ["stdout"], "level": LOG_LEVEL},
    "loggers": {
        # Django's own handlers would write each line a second time, in another format.
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        # A refusal or a wrong address is an answer, not a fault: the access log has it.
        "django.request": {"handlers": [], "propagate": True, "level": "ERROR"},
        "procrastinate": {"level": "WARNING"},
        "gunicorn.error": {"handlers": [], "propagate": True},
        # The request that finds no connection says so itself.
        "psycopg.pool": {"level": "ERROR"},
    },
}
