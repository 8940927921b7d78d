# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a project's settings say. This file runs inside the project's image, with its Python 3 and its Django alone.

It runs manage.py up to its first look at the settings, and prints one line: a mark and an answer in JSON. No answer has
a password. Whatever the project itself prints goes elsewhere. Private to this collection.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import runpy
import signal
import sys
import tempfile
import traceback
from typing import IO, Any, List  # noqa: UP035 - the image may have Python 3.7
from urllib.parse import parse_qs, urlsplit

MARK = "landfall-profile:"
_PATIENCE = 20  # seconds for the project's apps to load
_DEEP = 3  # folders below the working directory in which a manage.py is looked for
_FOREIGN = {"node_modules", "site-packages", "venv", "env"}
_REDIS = {"redis", "rediss", "valkey", "valkeys"}
_PRIVATE = re.compile(
    r"(?=.*(PRIVATE|PROTECTED|SENDFILE|BACKUP)).*(ROOT|DIR|PATH|FOLDER|LOCATION)|(SESSION|EMAIL)_FILE_PATH"
)
_NOWHERE = "/landfall-finds-no-page-here/"
# Host, port and number of a database of Redis.
_Place = List[Any]  # noqa: UP006
_APPS = {"channels", "django_celery_beat", "django_celery_results", "django_rq", "django_q", "huey.contrib.djhuey"}


class _ReachedError(BaseException):
    """manage.py would look at the settings now."""


class Environment(type(os.environ)):  # type: ignore[misc]
    """The environment of the process, which remembers the variables that it was asked for and does not have."""

    unset: set[str] = set()

    def __getitem__(self, name: str) -> str:
        try:
            return str(super().__getitem__(name))
        except KeyError:
            self.unset.add(name)
            raise


def main(asked: dict[str, Any]) -> None:
    """Print the answer, and leave before any thread of the project can hold the process."""
    out = os.fdopen(os.dup(1), "w")
    with tempfile.TemporaryFile() as said:
        for number in (1, 2):
            os.dup2(said.fileno(), number)
        try:
            answer = look(asked)
        except BaseException as error:  # noqa: BLE001 - settings raise and exit as they like
            answer = {"error": _described(error, said)}
        out.write(f"{MARK}{json.dumps(answer)}\n")
        out.flush()
        os._exit(0)


def look(asked: dict[str, Any]) -> dict[str, Any]:
    """Everything that is asked of the settings; then, of the URLs, the page that answers for the project's health."""
    manage = _manage(asked["manage"])
    os.environ.__class__ = Environment
    _reach_settings(manage)
    import django
    from django.conf import settings

    return {
        "manage": manage,
        "settings": os.environ.get("DJANGO_SETTINGS_MODULE", ""),
        "django": django.get_version(),
        "debug": bool(settings.DEBUG),
        "debug_value": repr(settings.DEBUG),
        **_requests(settings, asked["domains"], asked["scheme"]),
        "database": _database(settings),
        "redis": {"caches": _caches(settings), "queues": {**_queues(settings), **_celery(asked["celery_app"])}},
        "wsgi": plain(settings.WSGI_APPLICATION),
        "asgi": plain(getattr(settings, "ASGI_APPLICATION", None)),
        "apps": sorted(_APPS & {str(app) for app in settings.INSTALLED_APPS}),
        "logs": _logs(settings),
        "private": _private(settings),
        "unset": sorted(Environment.unset),
        "health": _health(asked["health_paths"]),
        # Last: a storage may need the apps.
        **_files(settings),
    }


def plain(value: Any) -> Any:
    """A value of any type, as JSON can hold it."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return str(value)


def _manage(given: str) -> str:
    """manage.py, as it is given or where it is found. Empty where there is none."""
    if given and os.path.isfile(given):
        return given
    found: list[tuple[int, str]] = []
    for folder, folders, files in os.walk("."):
        depth = folder.count(os.sep)
        folders[:] = [] if depth == _DEEP else [one for one in folders if one not in _FOREIGN and one[0] != "."]
        if "manage.py" in files:
            found.append((depth, os.path.relpath(os.path.join(folder, "manage.py"))))
    return min(found)[1] if found else ""


def _reach_settings(manage: str) -> None:
    from django.core import management

    def stop(_utility: object) -> None:
        raise _ReachedError

    if not manage:
        return
    management.ManagementUtility.execute = stop
    sys.argv = [manage, "check"]
    sys.path[:1] = [os.path.dirname(os.path.abspath(manage))]  # as Python does for a file; `python -c` has '' there
    with contextlib.suppress(_ReachedError):
        runpy.run_path(manage, run_name="__main__")


def _requests(settings: Any, domains: list[str], scheme: str) -> dict[str, Any]:
    """What the project makes of a visitor's request. Django itself is asked."""
    from django.core.exceptions import SuspiciousOperation
    from django.core.handlers.wsgi import WSGIRequest
    from django.middleware.csrf import CsrfViewMiddleware

    refused_hosts: list[str] = []
    refused_origins: list[str] = []
    secure = True
    for domain in domains:
        host = domain.replace("*", "www")
        request = WSGIRequest(
            {
                "REQUEST_METHOD": "POST",
                "PATH_INFO": "/",
                "SERVER_NAME": "web",
                "SERVER_PORT": "8000",
                "HTTP_HOST": host,
                "HTTP_ORIGIN": "https://" + host,
                "HTTP_X_FORWARDED_HOST": host,
                "HTTP_X_FORWARDED_PORT": "443",
                "HTTP_X_FORWARDED_PROTO": "https",
                "wsgi.url_scheme": scheme,
                "wsgi.input": io.BytesIO(),
            }
        )
        secure = secure and request.is_secure()
        try:
            request.get_host()
        except SuspiciousOperation:
            refused_hosts.append(domain)
            continue
        # Django 3.2 does not look at the origin.
        verified = getattr(CsrfViewMiddleware(lambda _request: None), "_origin_verified", None)
        if verified and not verified(request):
            refused_origins.append(domain)
    return {
        "allowed_hosts": plain(settings.ALLOWED_HOSTS),
        "refused_hosts": refused_hosts,
        "csrf_trusted_origins": plain(settings.CSRF_TRUSTED_ORIGINS),
        "refused_origins": refused_origins,
        "secure": secure,
        "proxy_header": plain(settings.SECURE_PROXY_SSL_HEADER),
        "ssl_redirect": bool(settings.SECURE_SSL_REDIRECT),
    }


def _files(settings: Any) -> dict[str, Any]:
    from django.urls import set_script_prefix

    # Of which relative URLs are a part.
    set_script_prefix(settings.FORCE_SCRIPT_NAME or "/")
    static = _storage(settings, "staticfiles", "STATIC")
    return {
        "collects": "django.contrib.staticfiles" in settings.INSTALLED_APPS,
        **static,
        # Such as the build of a front end. The folder of the release would hide it.
        "static_filled": _is_filled(static["static_root"]),
        "static_folders": [_path(one[1] if isinstance(one, tuple) else one) for one in settings.STATICFILES_DIRS],
        **_storage(settings, "default", "MEDIA"),
        "whitenoise": any("whitenoise" in str(one).lower() for one in settings.MIDDLEWARE or ()),
    }


def _storage(settings: Any, alias: str, kind: str) -> dict[str, Any]:
    """Where a storage keeps its files and under which URL: by itself if it has a folder, else by the settings.

    One that has no folder is elsewhere, such as a bucket. An URL that nobody has set is empty.
    """
    from django.core.files.storage import FileSystemStorage
    from django.utils.module_loading import import_string

    given = (getattr(settings, "STORAGES", None) or {}).get(alias) or {}
    old = "STATICFILES_STORAGE" if kind == "STATIC" else "DEFAULT_FILE_STORAGE"
    backend = plain(given.get("BACKEND") or getattr(settings, old, None) or "")
    root, url, elsewhere = getattr(settings, f"{kind}_ROOT"), getattr(settings, f"{kind}_URL"), False
    with contextlib.suppress(Exception, SystemExit):  # the release says what is wrong with it
        storage = import_string(backend)
        elsewhere = not issubclass(storage, FileSystemStorage)
        if not elsewhere:
            made = storage(**given.get("OPTIONS") or {})
            root, url = made.base_location or root, made.base_url or url
    # Without a URL, Django gives the root of the site.
    is_set = getattr(settings._wrapped, f"{kind}_URL", None) or url != "/"
    name = kind.lower()
    return {
        f"{name}_storage": backend,
        f"{name}_elsewhere": elsewhere,
        f"{name}_root": _path(root),
        f"{name}_url": (plain(url) or "") if is_set else "",
    }


def _path(value: Any) -> str:
    return os.path.abspath(str(value)) if value else ""


def _is_filled(folder: str) -> bool:
    try:
        return bool(os.listdir(folder))
    except OSError:
        return False


def _database(settings: Any) -> dict[str, Any]:
    """The default database, without its user and its password."""
    from django.core.exceptions import ImproperlyConfigured
    from django.db import connections

    given = settings.DATABASES.get("default") or {}
    vendor = problem = ""
    try:
        vendor = connections["default"].vendor
    except ImproperlyConfigured as error:
        problem = str(error).splitlines()[0]
    except Exception:  # noqa: BLE001, S110 - some back ends want more than the settings
        pass
    engine = str(given.get("ENGINE") or "")
    return {
        "engine": engine,
        "vendor": vendor,
        "problem": problem,
        "host": str(given.get("HOST") or ""),
        "port": str(given.get("PORT") or ""),
        "name": _sqlite(given) or str(given.get("NAME") or ""),
        "options": sorted(str(name) for name in given.get("OPTIONS") or ()),
    }


def _sqlite(database: dict[str, Any]) -> str:
    """The file of a SQLite database. Empty for any other, and for one in memory."""
    engine, name = str(database.get("ENGINE") or ""), str(database.get("NAME") or "")
    is_file = engine.endswith(("sqlite3", "spatialite")) and name and "memory" not in name
    return _path(re.sub(r"^file:|\?.*$", "", name)) if is_file else ""


def _caches(settings: Any) -> dict[str, _Place]:
    found: dict[str, _Place] = {}
    for name, cache in plain(settings.CACHES or {}).items():
        if re.search("redis|valkey", str(cache.get("BACKEND")), re.IGNORECASE):
            places = cache.get("LOCATION") or ""
            options = cache.get("OPTIONS") or {}
            number = next((options[key] for key in ("db", "DB") if options.get(key) is not None), 0)
            for place in places if isinstance(places, list) else re.split("[,;]", places):
                found.update(_named(f"CACHES {name}", place, number))
    return found


def _queues(settings: Any) -> dict[str, _Place]:
    found: dict[str, _Place] = {}
    values = {name: plain(getattr(settings, name)) for name in dir(settings) if name.endswith("BROKER_URL")}
    for name, value in values.items():
        for place in value if isinstance(value, list) else str(value or "").split(";"):
            found.update(_named(name, place))
    for name, queue in (plain(getattr(settings, "RQ_QUEUES", None)) or {}).items():
        found.update(_named(f"RQ_QUEUES {name}", queue.get("URL") or queue))
    for name, *keys in (
        ("HUEY", "url"),
        ("HUEY", "connection"),
        ("HUEY", "connection", "url"),
        ("Q_CLUSTER", "redis"),
        ("DRAMATIQ_BROKER", "OPTIONS"),
        ("DRAMATIQ_BROKER", "OPTIONS", "url"),
    ):
        value = plain(getattr(settings, name, None))
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        found.update(_named(name, value))
    return found


def _celery(name: str) -> dict[str, _Place]:
    """The broker that the Celery app has, wherever it has it from; nothing where the app cannot be loaded."""
    if not name:
        return {}
    try:
        from celery.app.utils import find_app

        broker = find_app(name).conf.broker_url
    except BaseException:  # noqa: BLE001 - the release says what is wrong with it
        return {}
    return _named(f"the broker of {name}", broker)


def _named(name: str, place: Any, number: Any = 0) -> dict[str, _Place]:
    """The Redis database behind an address or a dictionary, by name; nothing where it is something else."""
    if isinstance(place, dict):
        values = {str(key).lower(): value for key, value in place.items()}
        if not values.get("host"):
            return {}
        place, number = "redis://{}:{}".format(values["host"], values.get("port") or 6379), values.get("db") or 0
    try:
        url = urlsplit(str(place or "").strip())
        if url.scheme == "unix":
            host, port, path = url.path, 0, ""
        elif url.scheme in _REDIS and url.hostname:
            host, port, path = url.hostname, url.port or 6379, url.path.strip("/")
        else:
            return {}
        number = int(parse_qs(url.query).get("db", [path or number])[0])
    except (TypeError, ValueError):
        return {}
    return {name: [host, port, number]}


def _logs(settings: Any) -> list[dict[str, Any]]:
    """The files that the log handlers open, and whether they can."""
    logging = plain(settings.LOGGING or {}) if settings.LOGGING_CONFIG else {}
    found = []
    for name, handler in (logging.get("handlers") or {}).items():
        path = _path(handler.get("filename") if isinstance(handler, dict) else "")
        if path:
            place = path if os.path.exists(path) else os.path.dirname(path)
            found.append({"handler": name, "path": path, "writable": os.access(place, os.W_OK)})
    return found


def _private(settings: Any) -> dict[str, str]:
    """Files and folders that no visitor may read, by the setting that names them."""
    found: dict[str, str] = {}
    for name, database in (settings.DATABASES or {}).items():
        found[f"DATABASES {name}"] = _sqlite(database)
    for name, cache in (settings.CACHES or {}).items():
        if str(cache.get("BACKEND")).endswith("FileBasedCache"):
            found[f"CACHES {name}"] = _path(cache.get("LOCATION"))
    for log in _logs(settings):
        found["LOGGING {handler}".format(**log)] = log["path"]
    for name in dir(settings):
        value = getattr(settings, name) if _PRIVATE.fullmatch(name) else None
        if isinstance(value, (str, os.PathLike)) and os.path.isabs(os.fspath(value)):
            found[name] = _path(value)
    module = sys.modules.get(os.environ.get("DJANGO_SETTINGS_MODULE", ""))
    found["the settings module"] = _path(getattr(module, "__file__", ""))
    return {name: path for name, path in found.items() if path}


def _health(paths: list[str]) -> dict[str, str]:
    """The first of the paths that has a page of its own, and why nobody knows. Without paths nothing is loaded."""
    if not paths:
        return {"path": "", "unknown": ""}

    def give_up(_number: int, _frame: object) -> None:
        raise TimeoutError(f"the apps took more than {_PATIENCE} s to load")

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(_PATIENCE)
    try:
        import django
        from django.apps import apps
        from django.urls import Resolver404, resolve

        def page(path: str) -> str | None:
            try:
                return resolve(path).route
            except Resolver404:
                return None

        failed = ""
        try:
            django.setup()
        except Exception as error:
            # An app that asks the database as it starts does not hide the URLs, unless the time is over.
            if not apps.models_ready or not signal.alarm(_PATIENCE):
                raise
            failed = _in_words(error)
        # Some projects have one page for every path.
        every = page(_NOWHERE)
        path = next((path for path in paths if page(path) not in (None, every)), "")
    except BaseException as error:  # noqa: BLE001 - so do apps
        return {"path": "", "unknown": _in_words(error)}
    else:
        return {"path": path, "unknown": "" if path else failed}
    finally:
        signal.alarm(0)


def _in_words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _described(error: BaseException, said: IO[bytes]) -> dict[str, Any]:
    """An exception, where in the project it was raised, and the last line that was printed before."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    said.seek(0)
    lines = [line.strip() for line in said.read().decode(errors="replace").splitlines() if line.strip()]
    here = os.getcwd() + os.sep
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if os.path.abspath(frame.filename).startswith(here) and not re.search("^<|site-packages", frame.filename)
    ]
    where = f"{os.path.relpath(frames[-1].filename)} line {frames[-1].lineno}" if frames else ""
    return {
        "kind": type(error).__name__,
        "text": (str(error).strip().splitlines() or [""])[-1][:300],
        "where": where,
        "code": error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else None,
        "said": lines[-1][:300] if lines else "",
        "errno": getattr(error, "errno", None),
        "path": str(getattr(error, "filename", None) or ""),
    }


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
