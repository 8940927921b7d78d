# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Small Django projects, and what is found in them."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.landfall.django.plugins.plugin_utils._init.project import Project, look
from ansible_collections.landfall.django.plugins.plugin_utils._init.tree import Tree

MANAGE = """\
import os

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{}")
    from django.core.management import execute_from_command_line
"""
WSGI = """\
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{}")
application = get_wsgi_application()
"""

# As startproject makes it. What is executed would raise.
PLAIN = {
    "manage.py": MANAGE.format("harbour.settings"),
    "harbour/__init__.py": "raise RuntimeError('executed')",
    "harbour/wsgi.py": WSGI.format("harbour.settings"),
    "harbour/urls.py": 'urlpatterns = [path("admin/", admin.site.urls)]',
    "harbour/settings.py": """\
from pathlib import Path
raise RuntimeError("executed")
BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "django-insecure-1"
DEBUG = True
ALLOWED_HOSTS = []
ROOT_URLCONF = "harbour.urls"
WSGI_APPLICATION = "harbour.wsgi.application"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
STATIC_URL = "static/"
""",
    "requirements.txt": "django>=5.2\n",
}

# Settings split into three, with names of its own, below a folder of a larger repository.
SPLIT = {
    "README.md": "A repository that holds more than Django.",
    "backend/manage.py": MANAGE.format("config.settings.local"),
    "backend/poetry.lock": '[[package]]\nname = "psycopg"\nversion = "3.2"\n\n[[package]]\nname = "Celery"\n',
    "backend/pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.12"\n',
    "backend/.python-version": "3.12.4\n",
    "backend/config/__init__.py": "",
    "backend/config/celery.py": 'import os\napp = Celery("config")\napp.conf.beat_schedule = {}\n',
    "backend/config/wsgi.py": WSGI.format("config.settings.production"),
    "backend/config/urls.py": 'urlpatterns = [path("api/", include("berths.urls"))]',
    "backend/berths/urls.py": 'urlpatterns = [path("healthz", health), path("<int:pk>/", detail)]',
    "backend/config/settings/__init__.py": "",
    "backend/config/settings/base.py": """\
import environ
env = environ.Env(DEBUG=(bool, False), PAGE_SIZE=(int, 20))
BASE_DIR = environ.Path(__file__) - 3
ROOT_URLCONF = "config.urls"
SECRET_KEY = env("DJANGO_SECRET_KEY")
PAGE_SIZE = env("PAGE_SIZE")
STATIC_ROOT = str(BASE_DIR("assets"))
MEDIA_ROOT = str(BASE_DIR("uploads"))
CELERY_BROKER_URL = env("BROKER")
""",
    "backend/config/settings/local.py": 'from .base import *\nDEBUG = True\nSTATIC_ROOT = "/tmp/static"\n',
    "backend/config/settings/production.py": """\
from .base import *
import os
ALLOWED_HOSTS = os.environ["HOSTS"].split(" ")
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql", "HOST": os.environ["PGHOST"], "PASSWORD": os.environ["PGPASSWORD"],
}}
CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": env("CACHE")}}
EMAIL_HOST_PASSWORD = os.environ["MAIL_PASSWORD"]
SITE_TITLE = os.environ["SITE_TITLE"]
if os.environ.get("SENTRY_DSN"):
    SENTRY_ENVIRONMENT = os.environ["SENTRY_ENVIRONMENT"]
""",
}


def make(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def seen(folder: Path, files: dict[str, str], environment: str = "production", manage: str = "") -> Project:
    return look(Tree(str(make(folder, files))), environment, manage)
