# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program that asks a project's settings, with real Django."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._project import profile

from tests.unit._project.settings import HOST, ask, project


@pytest.fixture
def asked(tmp_path):
    """Ask a project with these settings."""

    def run(settings, environment=None, urls=None, **more):
        files = {"urls": urls} if urls else {}
        return ask(project(tmp_path, settings, **files), environment, **more)

    return run


def test_the_answer_is_json_whatever_the_types(asked, tmp_path):
    said = asked(
        "from django.utils.functional import lazystr\n"
        "ALLOWED_HOSTS = ('.example.com',)\n"
        "STATIC_ROOT = BASE_DIR / 'collected'\nMEDIA_ROOT = lazystr(str(BASE_DIR / 'uploads'))\nMEDIA_URL = 'files/'\n"
        "STORAGES = {'staticfiles': {'BACKEND': 'whitenoise.storage.CompressedStaticFilesStorage'}}\n"
        "MIDDLEWARE = ('whitenoise.middleware.WhiteNoiseMiddleware',)\n"
        "INSTALLED_APPS = ['django.contrib.staticfiles', 'django_celery_beat']\n"
        "WSGI_APPLICATION = 'shop.wsgi.application'\nASGI_APPLICATION = lazystr('shop.asgi.application')"
    )
    assert (said["static_root"], said["media_root"]) == (str(tmp_path / "collected"), str(tmp_path / "uploads"))
    assert (said["static_url"], said["media_url"]) == ("/static/", "/files/")
    assert (said["collects"], said["whitenoise"], said["apps"]) == (True, True, ["django_celery_beat"])
    assert said["static_storage"] == "whitenoise.storage.CompressedStaticFilesStorage"
    assert (said["wsgi"], said["asgi"]) == ("shop.wsgi.application", "shop.asgi.application")
    assert said["refused_hosts"] == []


BUCKET = "from django.core.files.storage import {0}\nclass Bucket({0}): pass\n"


@pytest.mark.parametrize(
    ("settings", "static", "media"),
    [
        ("STATIC_URL = 'assets/'\nMEDIA_URL = '/u/p/'", "/assets/", "/u/p/"),
        ("FORCE_SCRIPT_NAME = '/s'\nSTATIC_URL = 'static/'\nMEDIA_URL = '/media/'", "/s/static/", "/media/"),
        ("STATIC_URL = 'https://cdn.example.net/a/'\nMEDIA_URL = '//cdn.example.net/'", "/a/", ""),
        ("STATIC_URL = None", "", ""),
        ("MEDIA_URL = '/'", "/static/", "/"),
    ],
)
def test_where_nginx_serves_files(asked, settings, static, media):
    said = asked(settings)
    assert (said["static_location"], said["media_location"]) == (static, media)
    assert not said["static_elsewhere"]
    assert not said["media_elsewhere"]


def test_a_storage_without_a_folder_is_elsewhere(tmp_path):
    (tmp_path / "bucket.py").write_text(BUCKET.format("Storage"))
    backends = "STORAGES = {name: {'BACKEND': 'bucket.Bucket'} for name in ('staticfiles', 'default')}"
    said = ask(project(tmp_path, f"{backends}\nSTATIC_ROOT = '/a'\nMEDIA_URL = 'media/'"))
    assert (said["static_elsewhere"], said["static_location"]) == (True, "")
    assert (said["media_elsewhere"], said["media_location"]) == (True, "")


def test_a_storage_may_have_its_own_folder_and_url(tmp_path):
    (tmp_path / "bucket.py").write_text(BUCKET.format("FileSystemStorage"))
    options = "'OPTIONS': {'location': '/data/files', 'base_url': '/files/'}"
    said = ask(project(tmp_path, f"STORAGES = {{'default': {{'BACKEND': 'bucket.Bucket', {options}}}}}"))
    assert (said["media_root"], said["media_location"], said["media_elsewhere"]) == ("/data/files", "/files/", False)


@pytest.mark.parametrize(
    ("line", "is_on"),
    [
        ("DEBUG = True", True),
        ("DEBUG = False", False),
        ("", False),
        ("DEBUG = os.environ.get('DEBUG', False)", True),
        ("DEBUG = os.environ.get('NOWHERE', False)", False),
        ("DEBUG = os.environ.get('DEBUG') == 'True'", False),
    ],
)
def test_debug_is_what_python_takes_it_for(asked, line, is_on):
    assert asked(line, {"DEBUG": "False"})["debug"] == is_on


@pytest.mark.parametrize(
    ("hosts", "refused"),
    [
        ([HOST, f"www.{HOST}"], []),
        (["*"], []),
        ([".example.com"], []),
        ([HOST.upper()], [f"www.{HOST}"]),
        (["*.example.com"], [HOST, f"www.{HOST}"]),
        (["example.com"], [HOST, f"www.{HOST}"]),
        ([], [HOST, f"www.{HOST}"]),
    ],
)
def test_hosts_are_refused_as_django_refuses_them(asked, hosts, refused):
    assert asked(f"ALLOWED_HOSTS = {hosts}", domains=[HOST, f"www.{HOST}"])["refused_hosts"] == refused


@pytest.mark.parametrize(
    ("hosts", "refused"),
    [([".example.com"], []), (["*"], []), (["*.example.com"], ["*.example.com"]), (["example.com"], ["*.example.com"])],
)
def test_a_wildcard_is_asked_by_a_name_below_it(asked, hosts, refused):
    assert asked(f"ALLOWED_HOSTS = {hosts}", domains=["*.example.com"])["refused_hosts"] == refused


@pytest.mark.parametrize(
    ("settings", "scheme", "secure", "refused"),
    [
        ("", "https", True, []),
        ("", "http", False, [HOST]),
        ("CSRF_TRUSTED_ORIGINS = ['https://*.example.com']", "http", False, []),
        ("SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https')", "http", True, []),
        ("SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'on')", "https", False, [HOST]),
        ("SECURE_PROXY_SSL_HEADER = ('HTTP_X_SCHEME', 'https')", "http", False, [HOST]),
        ("USE_X_FORWARDED_HOST = True", "https", True, []),
    ],
)
def test_https_is_believed_as_django_believes_it(asked, settings, scheme, secure, refused):
    said = asked(settings, scheme=scheme)
    assert (said["secure"], said["refused_origins"]) == (secure, refused)


def test_a_database_has_no_password(asked):
    said = asked(
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': BASE_DIR / 'db.sqlite3',"
        " 'HOST': 'db', 'USER': 'ann', 'PASSWORD': 'very-secret', 'OPTIONS': {'timeout': 20}}}"
    )
    assert (said["database"]["vendor"], said["database"]["host"]) == ("sqlite", "db")
    assert Path(said["database"]["name"]).name == "db.sqlite3"
    assert "very-secret" not in json.dumps(said)


def test_a_missing_driver_is_named(asked):
    said = asked("DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'shop'}}")
    assert "psycopg" in said["database"]["problem"]


@pytest.mark.parametrize(
    ("settings", "caches", "queues"),
    [
        ("", {}, {}),
        (
            (
                "CACHES = {'default': {'BACKEND': 'django.core.cache.backends.redis.RedisCache',"
                " 'LOCATION': 'redis://:p%2Fw@redis:6379/1'}}\nCELERY_BROKER_URL = 'redis://:pw@redis/0'"
            ),
            {"CACHES default": ["redis", 6379, 1]},
            {"CELERY_BROKER_URL": ["redis", 6379, 0]},
        ),
        (
            (
                "CACHES = {'default': {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': ['redis://redis?db=3'],"
                " 'OPTIONS': {'db': 9}}}\nBROKER_URL = 'amqp://rabbit//'"
            ),
            {"CACHES default": ["redis", 6379, 3]},
            {},
        ),
        (
            (
                "CACHES = {'default': {'BACKEND': 'django.core.cache.backends.redis.RedisCache',"
                " 'LOCATION': 'redis://redis', 'OPTIONS': {'db': 2}}}\n"
                "RQ_QUEUES = {'default': {'HOST': 'redis', 'PORT': 6379, 'DB': 2, 'PASSWORD': 'pw'}}"
            ),
            {"CACHES default": ["redis", 6379, 2]},
            {"RQ_QUEUES default": ["redis", 6379, 2]},
        ),
        ("HUEY = {'connection': {'url': 'redis://redis/4'}}", {}, {"HUEY": ["redis", 6379, 4]}),
        ("Q_CLUSTER = {'redis': {'host': 'redis', 'port': 6379, 'db': 5}}", {}, {"Q_CLUSTER": ["redis", 6379, 5]}),
        ("CELERY_BROKER_URL = 'redis://redis:nonsense/'", {}, {}),
    ],
)
def test_redis_databases_are_named(asked, settings, caches, queues):
    assert asked(settings)["redis"] == {"caches": caches, "queues": queues}


def test_the_broker_of_the_celery_app_is_a_queue(asked, tmp_path):
    (tmp_path / "tasks.py").write_text(
        "from celery import Celery\napp = Celery('shop', broker='redis://:pw@redis:6379/2')\n"
    )
    assert asked("", celery_app="tasks")["redis"]["queues"] == {"the broker of tasks": ["redis", 6379, 2]}
    assert asked("", celery_app="nowhere")["redis"]["queues"] == {}


def test_log_files_that_cannot_be_written_are_known(asked, tmp_path):
    def handler(path):
        return {"class": "logging.FileHandler", "filename": str(path), "level": "INFO"}

    handlers = {"good": handler(tmp_path / "a.log"), "bad": handler("/nowhere/b.log"), "none": {"class": "x"}}
    said = asked(f"LOGGING = {{'version': 1, 'handlers': {handlers}}}")
    assert {log["handler"]: log["writable"] for log in said["logs"]} == {"good": True, "bad": False}
    assert asked(f"LOGGING_CONFIG = None\nLOGGING = {{'handlers': {handlers}}}")["logs"] == []


@pytest.mark.parametrize(
    ("storage", "elsewhere"),
    [
        ("django.contrib.staticfiles.storage.StaticFilesStorage", False),
        ("django.contrib.staticfiles.storage.ManifestStaticFilesStorage", False),
        ("storages.Bucket", True),
        ("storages.Folder", False),
        ("storages.Broken", True),
    ],
)
def test_it_is_known_whether_static_files_go_elsewhere(asked, tmp_path, storage, elsewhere):
    (tmp_path / "storages.py").write_text(
        "from django.core.files import storage\nclass Bucket(storage.Storage):\n    pass\n"
        "class Folder(storage.FileSystemStorage):\n    def __init__(self):\n        super().__init__('/mnt/cdn')\n"
        "class Broken(storage.Storage):\n    def __init__(self):\n        raise SystemExit('no key')\n"
    )
    said = asked(
        "INSTALLED_APPS = ['django.contrib.staticfiles']\nSTATIC_ROOT = '/app/static'\n"
        f"STORAGES = {{'staticfiles': {{'BACKEND': '{storage}'}}}}"
    )
    assert said["static_elsewhere"] is elsewhere


def test_private_files_are_named(asked, tmp_path):
    said = asked(
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': BASE_DIR / 'data/db.sqlite3'},"
        " 'other': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}\n"
        "SENDFILE_ROOT = BASE_DIR / 'paid'\nPRIVATE_KEY = 'not a path'\nPROTECTED_DIR = 'relative'\n"
    )
    assert said["private"] == {
        "DATABASES default": str(tmp_path / "data/db.sqlite3"),
        "SENDFILE_ROOT": str(tmp_path / "paid"),
        "the settings module": str(tmp_path / "shop/settings.py"),
    }


@pytest.mark.parametrize(
    ("patterns", "path"),
    [
        ("path('health/', page)", "/health/"),
        ("path('healthz', page), path('up/', page)", "/healthz"),
        ("path('', page)", ""),
        ("re_path('.*', page)", ""),
        ("path('ht/', page), re_path('.*', page)", "/ht/"),
    ],
)
def test_the_health_page_is_found(asked, patterns, path):
    urls = (
        "from django.http import HttpResponse\nfrom django.urls import path, re_path\n"
        f"def page(request): return HttpResponse()\nurlpatterns = [{patterns}]\n"
    )
    assert asked("", urls=urls, paths=profile.HEALTH_PATHS)["health"] == {"path": path, "unknown": ""}


@pytest.fixture
def needy(tmp_path):
    """The settings of a project with an app that cannot start without the database."""
    app = tmp_path / "needy"
    app.mkdir()
    (app / "__init__.py").write_text("")
    (app / "apps.py").write_text(
        "from django.apps import AppConfig\nclass Needy(AppConfig):\n    name = 'needy'\n"
        "    def ready(self):\n        raise RuntimeError('no database')\n"
    )
    return "INSTALLED_APPS = ['needy.apps.Needy']"


def test_what_cannot_load_without_a_database_is_no_error(asked, needy):
    said = asked(needy, paths=profile.HEALTH_PATHS)
    assert said["health"]["path"] == ""
    assert "no database" in said["health"]["unknown"]


def test_an_app_that_cannot_start_does_not_hide_the_health_page(asked, needy):
    urls = (
        "from django.http import HttpResponse\nfrom django.urls import path\n"
        "urlpatterns = [path('up/', lambda request: HttpResponse())]\n"
    )
    assert asked(needy, urls=urls, paths=profile.HEALTH_PATHS)["health"] == {"path": "/up/", "unknown": ""}


def test_the_variables_that_the_settings_look_for_in_vain_are_known(asked):
    said = asked(
        "SECRET_KEY = os.environ.get('A_KEY', 'x')\nos.getenv('B')\n'C' in os.environ\nDEBUG = bool(os.environ['D'])",
        {"D": "", "E": "1"},
    )
    assert {"A_KEY", "B", "C"} <= set(said["unset"])
    assert not {"D", "E"} & set(said["unset"])


def test_no_server_of_the_environment_is_looked_up_in_vain():
    environment = {
        "DATABASE_URL": "mysql://ann:p%40w@db:3306/shop",
        "SEARCH_HOST": "search.example.com",
        "ADDRESS_HOST": "10.0.0.1",
        "ODD": "http://[x",
        "SECRET_KEY": "db2",
    }
    assert profile.hosts(environment) == ("db", "search.example.com")
    words = profile.Container("shop:1", "1:1", hosts=("db",)).arguments()
    assert "--add-host=db:127.0.0.1" in words


def test_what_the_settings_print_and_their_threads_do_not_matter(asked):
    said = asked(
        "import threading, time\nprint('landfall-profile:{}')\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\nos.system('echo landfall-profile:{}')"
    )
    assert said["debug"] is False


def test_python_starts_with_the_stack_s_environment(asked, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "conf.py").write_text("HOSTS = ['from-elsewhere']")
    said = asked("import conf\nALLOWED_HOSTS = conf.HOSTS", {"PYTHONPATH": str(elsewhere), "ODD": "a\n$b 'c'"})
    assert said["allowed_hosts"] == ["from-elsewhere"]


@pytest.mark.parametrize("manage", ["src/manage.py", "a/b/c/manage.py"])
def test_manage_py_is_found(tmp_path, manage):
    project(tmp_path / "node_modules" / "x", "")
    said = ask(project(tmp_path, "", manage=manage))
    assert (said["manage"], said["settings"]) == (manage, "shop.settings")


def test_a_project_without_manage_py_is_asked_by_its_settings_module(tmp_path):
    project(tmp_path, "").joinpath("manage.py").unlink()
    given = {"DJANGO_SETTINGS_MODULE": "shop.settings"}
    assert ask(tmp_path, given, manage_command="django-admin")["allowed_hosts"] == [HOST]
    with pytest.raises(ValueError, match="stack_manage_command"):
        ask(tmp_path, manage_command="django-admin")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("SECRET = os.environ['SHOP_TOKEN']", ["SHOP_TOKEN", "stack_environment", "shop/settings.py line"]),
        ("import nowhere", ["nowhere", "dependencies"]),
        ("import sys; sys.exit('SHOP_KEY is not set')", ["SHOP_KEY", "stack_secrets"]),
        ("import sys; print('a'); print('SHOP_PORT must be given'); sys.exit(3)", ["SHOP_PORT must be given"]),
        ("import sys; sys.exit(3)", ["3", "stack_environment"]),
        ("ALLOWED_HOSTS = 'shop.example.com'", ["ALLOWED_HOSTS"]),
        ("x = 1 +", ["SyntaxError"]),
        (
            "raise PermissionError(13, 'Permission denied', '/app/logs')",
            ["10001:10001", "StreamHandler", "{logs: /app/logs}"],
        ),
        ("raise ImportError('libGL.so.1: cannot open shared object file: No such file')", ["libGL", "stack_packages"]),
        ("raise ImportError('failed to find libmagic.  Check your installation')", ["stack_packages"]),
        ("raise OSError(\"cannot load library 'libpango-1.0-0': error\")", ["stack_packages"]),
        ("os._exit(0)", ["stack_manage_command"]),
        ("raise KeyboardInterrupt", ["KeyboardInterrupt"]),
    ],
)
def test_settings_that_do_not_load_say_why_and_what_to_do(asked, settings, words):
    with pytest.raises(ValueError, match=r"\S") as failed:
        asked(settings)
    said = str(failed.value)
    assert all(word in said for word in words), said
    assert "Traceback" not in said


def test_no_message_has_a_value_of_the_environment(asked):
    secret = {"DATABASE_URL": "mysql://ann:p%40ss-word@db/shop", "TOKEN": "very-secret-token"}
    with pytest.raises(ValueError, match="hidden") as failed:
        asked("raise ValueError(os.environ['DATABASE_URL'] + ' p@ss-word ' + os.environ['TOKEN'])", secret)
    assert "ss-word" not in str(failed.value)
    assert "very-secret-token" not in str(failed.value)


@pytest.mark.parametrize(
    ("command", "scheme"),
    [
        ("gunicorn shop.wsgi --bind=0.0.0.0:8000", "https"),
        ("gunicorn shop.asgi -k uvicorn.workers.UvicornWorker", "https"),
        ("uvicorn shop.asgi:application", "https"),
        ("uvicorn shop.asgi:application --no-proxy-headers", "http"),
        ("uwsgi --http-socket=:8000 --module=shop.wsgi", "https"),
        ("", "https"),
        ("./start.sh", "https"),
        ("/venv/bin/daphne shop.asgi:application", "http"),
        ("daphne --proxy-headers shop.asgi:application", "https"),
        ("hypercorn shop.asgi:application", "http"),
        ("waitress-serve --trusted-proxy='*' shop.wsgi:application", "https"),
        ("python3 manage.py runserver 0.0.0.0:8000", "http"),
    ],
)
def test_it_is_known_which_servers_believe_the_front(command, scheme):
    assert profile.scheme(command) == scheme


@pytest.mark.parametrize(
    ("command", "python", "manage"),
    [
        ("python3 manage.py", ["python3"], "manage.py"),
        ("/opt/venv/bin/python3.12 -Wd src/manage.py", ["/opt/venv/bin/python3.12", "-Wd"], "src/manage.py"),
        ("./manage.py", ["python3"], "./manage.py"),
        ("uv run manage.py", ["uv", "run", "python3"], "manage.py"),
        ("django-admin", ["python3"], ""),
    ],
)
def test_the_same_python_as_of_manage_py_is_asked(command, python, manage):
    asked = json.loads(profile.question(command, {}, [], "https", []))["command"]
    assert asked[: len(python) + 1] == [*python, "-c"]
    assert json.loads(asked[-1])["manage"] == manage


def test_the_container_changes_nothing_and_reaches_nothing():
    service = {
        "tmpfs": "/app/tmp:size=1m",
        "volumes": ["data:/app/data", "/etc/x:/etc/x:ro", {"type": "bind", "target": "/app/b"}],
    }
    words = profile.Container("shop:1", "1000:1000", ("/app/media",), service).arguments()
    assert {"--rm", "--network=none", "--read-only", "--cap-drop=ALL", "--user=1000:1000"} <= set(words)
    assert not any(word.startswith(("--volume", "-v", "--mount", "--env", "-e")) for word in words)
    places = [word.split("=", 1)[1].split(":")[0] for word in words if word.startswith("--tmpfs")]
    assert places == ["/tmp", "/app/media", "/app/tmp", "/app/data", "/app/b"]
    # A folder of the image keeps its mode, and gets the owner that it has on the host.
    assert "--tmpfs=/app/media:mode=1777,uid=1000,gid=1000" in words
    named = profile.Container("shop:1", "1:1", service={"user": "app"}).arguments()
    assert "--tmpfs=/tmp:mode=1777" in named
    assert "--read-only" not in profile.Container("shop:1", "1:1", service={"read_only": False}).arguments()
    assert "--user=0:0" in profile.Container("shop:1", "1:1", service={"user": "0:0"}).arguments()


def test_the_key_changes_with_all_that_the_answer_depends_on():
    keys = {
        profile.key("sha256:1", {"A": "1"}),
        profile.key("sha256:2", {"A": "1"}),
        profile.key("sha256:1", {"A": "2"}),
    }
    assert len(keys) == 3
