import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ["ATLAS_TOKEN"]
ALLOWED_HOSTS = os.environ.get("ATLAS_HOSTS", "").split()
ROOT_URLCONF = "atlas.urls"
INSTALLED_APPS = ["atlas", "django.contrib.staticfiles"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.mysql",
        "HOST": os.environ.get("ATLAS_DB_HOST", ""),
        "NAME": os.environ.get("ATLAS_DB_NAME", ""),
        "USER": os.environ.get("ATLAS_DB_USER", ""),
        "PASSWORD": os.environ.get("ATLAS_DB_PASS", ""),
        "OPTIONS": {"connect_timeout": 3},
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
STATIC_URL = "assets/"
STATIC_ROOT = BASE_DIR.parent / "assets"
STORAGES = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
