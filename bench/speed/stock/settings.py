"""What `startproject` writes, with two databases: the platform's (PLATFORM_URL), and STOCK_URL for Django's own tables,
so that the measured database gets none of them. Connections stay open.
"""

import os

import environ

SECRET_KEY = "only-for-the-benchmark-only-for-the-benchmark-only-for-the-benchmark"  # noqa: S105
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "bench.speed.stock.apps.StockConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "bench.speed.stock.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
DATABASES = {
    "default": {**environ.Env.db_url_config(os.environ["STOCK_URL"]), "CONN_MAX_AGE": None},
    "platform": {**environ.Env.db_url_config(os.environ["PLATFORM_URL"]), "CONN_MAX_AGE": None},
}
DATABASES["platform"].setdefault("OPTIONS", {})["options"] = "-c search_path=public"
DATABASE_ROUTERS = ["bench.speed.stock.router.Router"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
# A form with 120 rows below it has more fields than the default allows.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 100_000
