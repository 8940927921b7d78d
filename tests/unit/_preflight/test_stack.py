# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every bad input gets one sentence that names the variable and the cure, and good input gets none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.landfall.django.plugins.module_utils._preflight import stack, syntax
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.sentences import only

COLLECTIONS = Path(stack.__file__).parents[6]
GOOD: dict[str, Any] = {
    "stack_name": "shop",
    "stack_domains": ["shop.example.com", "xn--mller-kva.example"],
    "stack_mode": "production",
    "stack_root": "/srv/shop",
    "stack_nginx_root": "/srv/nginx",
    "stack_git_repository": "https://git.example.com/shop.git",
    "stack_project_dir": "",
    "stack_image": "",
    "stack_wsgi_application": "shop.wsgi:application",
    "stack_celery_app": "shop",
    "stack_port": 8000,
    "stack_health_path": "/health/",
    "stack_processes": {"celery": "celery --app=shop worker", "celery-beat": "celery --app=shop beat"},
    "stack_database_host": "db",
    "stack_database_name": "shop",
    "stack_database_user": "shop",
    "stack_database_password": "",
    "stack_redis_password": "aZ09_-",
    "nginx_http_port": 80,
    "nginx_https_port": 443,
    "letsencrypt_email": "ops@example.com",
}


def problems(**change: Any) -> list[str]:
    return stack.problems_of({**GOOD, **change}, Path)


def test_what_a_stack_and_its_front_have_in_common_is_said_once() -> None:
    wrong = ["shop.example.com; return 200"]
    assert only(problems(stack_domains=wrong, nginx_site_domains=wrong)).startswith("stack_domains: ")
    assert only(problems(nginx_site_name="shop", nginx_site_domains=[])).startswith("nginx_site_domains: ")


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"stack_mode": "development", "stack_domains": [], "letsencrypt_email": "nobody"},
        {"stack_mode": "development", "stack_domains": [], "nginx_site_name": "shop", "nginx_site_domains": []},
        {"stack_nginx_root": "", "letsencrypt_email": "nobody"},
        {"letsencrypt_email": ""},
        {"stack_domains": ["localhost"]},
        {"stack_git_repository": "", "stack_image": "registry.example.com/shop:1"},
        {"stack_wsgi_application": "", "stack_celery_app": ""},
        {"stack_wsgi_application": "shop.wsgi:make()"},
        {"stack_celery_app": "shop.celery:app"},
        {
            "stack_database": "external",
            "stack_database_host": "db.example.com",
            "stack_database_password": "p@ss'",
            "stack_database_user": "root",
        },
        {"stack_database": "none", "stack_database_password": None},
        {"stack_database": "postgresql", "stack_database_extensions": ["pg_trgm"], "stack_database_user": "root"},
        {"stack_database_import": "/root/old.sql.gz"},
        {"stack_redis": False, "stack_redis_password": "p@ss"},
        {"stack_processes": {}},
        {"stack_processes": {"w": {"command": "x", "memory": "1.5g", "replicas": "2", "stop_timeout": 0}}},
        {"stack_processes": {"a": "celery -A one beat", "b": {"command": "celery -A two beat", "replicas": 1}}},
        {"stack_processes": {"loop": "sh -c 'a && b > c; d'"}, "stack_migrate_command": "bash -c 'a | b'"},
        {"stack_release_commands": {"before_migrate": ["python3 manage.py check"], "after_switch": []}},
        {"nginx_root": "/srv/nginx/"},
        {"nginx_root": "/opt/nginx", "stack_nginx_root": ""},
        {"nginx_root": "/opt/nginx", "stack_mode": "development"},
    ],
)
def test_what_is_right_gets_no_word(change: dict[str, Any]) -> None:
    assert problems(**change) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"stack_name": ""}, "stack_name: it is not set"),
        ({"stack_name": "Shop"}, "stack_name: 'Shop' is not a usable name"),
        ({"stack_name": "1shop"}, "stack_name: '1shop' is not a usable name"),
        ({"stack_name": "s" * 41}, "up to 40 lower-case letters"),
        ({"stack_name": "shop; reboot"}, "stack_name: 'shop; reboot' is not a usable name"),
        ({"stack_name": "shop$(id)"}, "is not a usable name"),
        ({"stack_name": "../shop"}, "is not a usable name"),
        ({"stack_name": "shop\n}"}, "is not a usable name"),
        ({"stack_domains": ["shop.example.com; return 200"]}, "is not a host name"),
        ({"stack_domains": ["shop.example.com}"]}, "is not a host name"),
        ({"stack_domains": ["$(id).example.com"]}, "is not a host name"),
        ({"stack_domains": ["shop.example.com\nserver {"]}, "is not a host name"),
        ({"stack_root": "/srv/my shop"}, "stack_root: '/srv/my shop' has characters"),
        ({"stack_media_path": "/media; }"}, "stack_media_path: '/media; }' has characters"),
        ({"stack_health_path": '/health/"'}, "stack_health_path: "),
        ({"stack_user": "django"}, "stack_user: 'django' is not a user and a group"),
        ({"stack_user": "10002:0"}, "stack_user: 10002:0 is the number of the database"),
        ({"stack_compose_override": {"services": ["web"]}}, "stack_compose_override: its services"),
        ({"stack_name": "nginx"}, "stack_name: 'nginx' is the name of the host's own Nginx"),
        ({"stack_domains": []}, "stack_domains: it is empty"),
        ({"stack_domains": ["a.example", "b.example", "a.example"]}, "'a.example' is in the list more than once"),
        ({"stack_git_repository": ""}, "stack_git_repository, stack_project_dir, stack_image: none is set"),
        ({"stack_image": "shop:1"}, "stack_git_repository and stack_image are both set"),
        (
            {"stack_git_repository": "", "stack_project_dir": "/nonexistent/shop"},
            "there is no folder /nonexistent/shop",
        ),
        ({"stack_wsgi_application": "shop.wsgi"}, "stack_wsgi_application: 'shop.wsgi' is not module.path:callable"),
        ({"stack_wsgi_application": "shop/wsgi.py"}, "write it as in shop.wsgi:application"),
        ({"stack_celery_app": "my-shop"}, "stack_celery_app: 'my-shop' is not the name of a Python module"),
        ({"letsencrypt_email": "ops"}, "letsencrypt_email: 'ops' is not an e-mail address"),
        ({"letsencrypt_email": "a b@example.com"}, "letsencrypt_email: 'a b@example.com' is not an e-mail address"),
        ({"letsencrypt_email": "ops@localhost"}, "letsencrypt_email: 'ops@localhost' is not an e-mail address"),
        ({"stack_database_password": "p'ss"}, "stack_database_password: it holds characters that"),
        ({"stack_database_root_password": "p\\"}, "stack_database_root_password: it holds characters that"),
        ({"stack_redis_password": "p ss"}, "stack_redis_password: it holds characters that"),
        ({"stack_database_name": "shop`"}, "stack_database_name: 'shop`' is not a plain name"),
        ({"stack_database_host": "db.example.com"}, "stack_database_host: 'db.example.com' is outside"),
        (
            {"stack_database": "external", "stack_database_password": "x"},
            "stack_database_host: set it to the host name",
        ),
        (
            {"stack_database": "external", "stack_database_host": "db.example.com"},
            "stack_database_password: set it to the password",
        ),
        (
            {
                "stack_database": "external",
                "stack_database_host": "db.example.com",
                "stack_database_password": "x",
                "stack_database_name": "/shop",
            },
            "stack_database_name: '/shop' starts with /",
        ),
        ({"stack_database_extensions": ["vector"]}, "stack_database_extensions: only PostgreSQL"),
        ({"stack_database_import": "old.sql"}, "stack_database_import: 'old.sql' is not an absolute path"),
        (
            {"stack_database_import": "/root/old.sql", "stack_database": "none", "stack_database_password": None},
            "stack_database_import: only a database in the stack",
        ),
        (
            {"stack_database_import": "/root/old.sql", "stack_mode": "development", "nginx_root": "/opt/nginx"},
            "stack_database_import: only a release imports it",
        ),
        ({"stack_database_name": "x" * 31}, "stack_database_name: it is longer than"),
        (
            {"stack_database": "postgresql", "stack_database_user": "postgres"},
            "stack_database_user: 'postgres' belongs",
        ),
        ({"stack_database": "postgresql", "stack_database_user": "pg_read"}, "stack_database_user: 'pg_read' belongs"),
        ({"stack_database": "postgresql", "stack_database_name": "pg"}, "stack_database_name: 'pg' belongs"),
        ({"stack_database_user": "root"}, "stack_database_user: 'root' belongs to the database itself"),
        ({"nginx_http_port": 443}, "nginx_http_port and nginx_https_port are both 443"),
        ({"stack_health_path": "health/"}, "stack_health_path: 'health/' is not the path of a URL"),
        ({"stack_root": "srv/shop"}, "stack_root: 'srv/shop' is not an absolute path on the host"),
        ({"stack_template_dirs": ["/nonexistent"]}, "stack_template_dirs: there is no folder /nonexistent"),
        ({"letsencrypt_ca_bundle": "/nonexistent.pem"}, "letsencrypt_ca_bundle: there is no file /nonexistent.pem"),
        ({"stack_git_key_file": "/nonexistent"}, "stack_git_key_file: there is no file /nonexistent"),
        ({"stack_processes": {"loop": "a && b"}}, "stack_processes: the command of loop has &&"),
        ({"stack_web_command": "gunicorn shop.wsgi > log"}, "stack_web_command: it has >"),
        ({"stack_migrate_command": "manage.py a ; manage.py migrate"}, "stack_migrate_command: it has ;"),
        ({"stack_release_commands": {"after_migrate": ["a | b"]}}, "stack_release_commands: 'a | b' has |"),
        ({"stack_release_commands": {"after_migrate": ["a 'b"]}}, "a quotation mark that nothing closes"),
        ({"stack_release_commands": {"after_migrate": [""]}}, "'' of after_migrate is not a command"),
        ({"stack_release_commands": {"afterwards": ["a"]}}, "there is no moment 'afterwards'"),
        ({"stack_processes": {"redis": "x"}}, "stack_processes: 'redis' is a service that the stack has already"),
        ({"nginx_root": "/opt/nginx"}, "stack_nginx_root: '/srv/nginx' is not nginx_root, '/opt/nginx'"),
        ({"stack_processes": {"migrate": "x"}}, "stack_processes: 'migrate' is a service that the stack has already"),
        ({"stack_processes": {"database-client": "x"}}, "'database-client' is a service that the stack has already"),
        ({"stack_processes": {"CollectStatic": "x"}}, "'CollectStatic' is a service that the stack has already"),
        ({"stack_processes": {"edge": "x"}}, "stack_processes: 'edge' is a service that the stack has already"),
        ({"stack_processes": {"My loop": "x"}}, "stack_processes: 'My loop' is not the name of a service"),
        ({"stack_processes": {1: "x"}}, "stack_processes: '1' is not the name of a service"),
        ({"stack_processes": {"loop": " "}}, "stack_processes: the command of loop is empty"),
        ({"stack_processes": {"loop": None}}, "stack_processes: the command of loop is not a text"),
        ({"stack_processes": {"loop": ["a", "b"]}}, "stack_processes: the command of loop is not a text"),
        ({"stack_processes": {"loop": "sh -c 'a"}}, "the command of loop has a quotation mark that nothing closes"),
        ({"stack_processes": {"w": "celery -A a worker -B"}}, "stack_processes: w is a worker with a beat inside"),
        ({"stack_processes": {"w": {"command": "celery worker -B"}}}, "stack_processes: w is a worker with a beat"),
        ({"stack_processes": {"a": "celery -A s beat", "b": "celery --app=s beat"}}, "a and b are two beats"),
        ({"stack_processes": {"b": {"command": "celery beat", "replicas": 2}}}, "b is a beat with 2 replicas"),
        ({"stack_processes": {"w": {"memory": "1g"}}}, "stack_processes: the command of w is not a text"),
        ({"stack_processes": {"w": {"command": "x", "memory": 512}}}, "stack_processes: the memory of w, '512'"),
        ({"stack_processes": {"w": {"command": "x", "memory": "lots"}}}, "stack_processes: the memory of w, 'lots'"),
        ({"stack_processes": {"w": {"command": "x", "replicas": 0}}}, "stack_processes: replicas of w is 0"),
        ({"stack_processes": {"w": {"command": "x", "replicas": True}}}, "stack_processes: replicas of w is True"),
        ({"stack_processes": {"w": {"command": "x", "stop_timeout": -1}}}, "stack_processes: stop_timeout of w is -1"),
        ({"stack_processes": {"w": {"command": "x", "mem": "1g"}}}, "stack_processes: w has no option 'mem'"),
        ({"stack_web_command": "gunicorn -n 'a"}, "stack_web_command: it has a quotation mark that nothing closes"),
        ({"stack_migrate_command": 'x "'}, "stack_migrate_command: it has a quotation mark that nothing closes"),
        ({"stack_sizes": {"web_worker": 3}}, "stack_sizes: there is no size 'web_worker'"),
        ({"stack_sizes": {"db_memory_mib": 64}}, "stack_sizes: db_memory_mib: 64 is out of bounds"),
        ({"stack_secret_key_fallbacks": ["a", "b,c"]}, "stack_secret_key_fallbacks: a key has a comma"),
    ],
)
def test_each_fault_has_its_sentence(change: dict[str, Any], sentence: str) -> None:
    assert sentence in only(problems(**change))


@pytest.mark.parametrize(
    ("domain", "cure"),
    [
        ("https://shop.example.com", "give the name alone and in lower case, such as shop.example.com"),
        ("shop.example.com/admin", "such as shop.example.com"),
        ("shop.example.com:8443", "such as shop.example.com"),
        ("shop.example.com.", "such as shop.example.com"),
        ("Shop.Example.com", "such as shop.example.com"),
        ("müller.example", "in its ASCII form (punycode), xn--mller-kva.example"),
        ("straße.example", "in its ASCII form (punycode), such as"),
        ("shop.*.example.com", "as in *.example.com"),
        ("*.com", "as in *.example.com"),
        ("my_shop.example.com", "use a hyphen"),
        ("192.0.2.7", "instead of an address"),
        ("2001:db8::1", "instead of an address"),
        ("shop", "give the full name"),
        ("", "give the full name"),
        ("-shop.example.com", "give the full name"),
        ("shop..example.com", "give the full name"),
        (f"{'a' * 64}.example.com", "give the full name"),
    ],
)
def test_a_domain_that_is_no_host_name_is_cured(domain: str, cure: str) -> None:
    sentence = only(problems(stack_domains=[domain]))
    assert sentence.startswith(f"stack_domains: '{domain}' is not a host name: ")
    assert cure in sentence


DNS = {"plugin": "rfc2136", "credentials": {"server": "192.0.2.1", "name": "shop", "secret": "only-in-a-vault"}}
WILDCARD = ["shop.example.com", "*.example.com"]


def test_a_wildcard_needs_a_certificate_that_can_have_it() -> None:
    sentence = only(problems(stack_domains=WILDCARD))
    assert sentence.startswith("stack_domains: '*.example.com' is a wildcard")
    assert "set letsencrypt_dns, or list every name by itself" in sentence
    for proof in ({"letsencrypt_dns": DNS}, {"nginx_site_certificate_file": "a.pem"}, {"stack_nginx_root": ""}):
        assert (
            problems(stack_domains=WILDCARD, nginx_site_domains=WILDCARD, letsencrypt_domains=WILDCARD, **proof) == []
        )
        assert "such as example.com" in only(problems(stack_domains=WILDCARD[::-1], **proof))


def test_what_is_wrong_with_the_dns_is_said_before_a_release() -> None:
    assert only(problems(letsencrypt_dns={"plugin": "bind"})).startswith("letsencrypt_dns: ")


@given(st.text())
def test_no_text_breaks_the_look_at_domains(text: str) -> None:
    assert bool(problems(stack_domains=[text])) != syntax.is_host_name(text)


def test_all_problems_come_at_once() -> None:
    assert len(problems(stack_name="", stack_domains=["x"], stack_image="x", stack_port=0)) == 4


def test_a_project_folder_must_hold_a_project(tmp_path: Path) -> None:
    local = {"stack_git_repository": "", "stack_project_dir": str(tmp_path)}
    assert "is empty" in only(problems(**local))
    (tmp_path / "manage.py").touch()
    assert problems(**local) == []
    nothing_to_start = {**local, "stack_wsgi_application": "", "stack_web_command": ""}
    assert "stack_wsgi_application: it is not set" in only(problems(**nothing_to_start))
    (tmp_path / "Dockerfile").touch()
    assert problems(**nothing_to_start) == []


def test_environment_names() -> None:
    names = {"_OK": 1, "DJANGO_KEY2": "", "1ST": "", "A-B": "", "": ""}
    found = list(stack.environment_problems("stack_secrets", names))
    assert [sentence.split("'")[1] for sentence in found] == ["1ST", "A-B", ""]
    assert "is not a dictionary" in only(list(stack.environment_problems("stack_secrets", ["A=b"])))


def test_environment_values() -> None:
    values = {"A": ["hidden"], "B": {"c": "hidden"}, "C": "hid\0den", "D": None, "E": True, "F": 1.5, "G": ""}
    found = list(stack.environment_problems("stack_secrets", values))
    assert [sentence.split()[:2] for sentence in found] == [["stack_secrets:", name] for name in "ABC"]
    assert "hid" not in " ".join(found)


def test_names_of_secret_files() -> None:
    names = {"api.key": "", "GOOGLE-key_2.json": "", "a/b": "", "..": "", ".env": "", "": "", "-x": "", "ä": ""}
    found = list(stack.environment_problems("stack_secret_files", names))
    assert [sentence.split("'")[1] for sentence in found] == ["a/b", "..", ".env", "", "-x", "ä"]
    assert "A is a dictionary" in only(list(stack.environment_problems("stack_secret_files", {"A": {"b": "hidden"}})))


def test_a_play_is_stopped_with_all_of_them(tmp_path: Path) -> None:
    """The action itself, in a real play against this machine."""
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {
            "stack_name": "Shop",
            "stack_domain": "shop.example.com",
            "stack_domains": ["shop.example.com"],
            "stack_mode": "development",
            "stack_project_dir": "nowhere",
            "stack_port": "abc",
            "stack_image": "{{ undefined_image }}",
            "vault_tricky": "p{{4",
            "stack_environment": {"OTHER": "{{ nobody_defined }}", "LIST": "{{ ['x'] }}"},
            "stack_secrets": {
                "KEY": "{{ stack_database_password }}",
                "2KEY": "{{ __stack_made.NOT_YET }}",
                "URL": "redis://:{{ stack_redis_password }}{{ __stack_made.NOT_YET }}@{{ vault_host }}",
                "TRICKY": "hidden-{{ 7*7 }}",
                "TRICKY_TOO": "{{ vault_tricky }}",
                "MISSING": "{{ vault_missing }}",
                "WRONG": "{{ 'hidden' | no_such_filter(vault_tricky_not) }}",
            },
            "stack_secret_files": {"api/key": "{{ stack_database_password }}", "other": "{{ vault_file }}"},
            "stack_build_args": {"TOKEN": "{{ vault_build }}"},
            "stack_compose_override": {"services": {"web": {"labels": ["{{ vault_label }}"]}}},
            "docker_registry_logins": [{"registry": "a", "username": "b", "password": "{{ vault_registry }}"}],
            "stack_web_command": "{{ __stack_made.NOT_YET }}",
        },
        "tasks": [{"name": "Check", "include_role": {"name": "landfall.django.stack", "tasks_from": "preflight"}}],
    }
    file = tmp_path / "play.yml"
    file.write_text(yaml.safe_dump([play]))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", file],
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_HOME": str(tmp_path / "ansible"),
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
            "ANSIBLE_BECOME_METHOD": "sudo",
            "ANSIBLE_BECOME": "false",
            "LC_ALL": "C.UTF-8",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    said = done.stdout + done.stderr
    for sentence in (
        "stack_domain: there is no such variable: did you mean stack_domains?",
        "stack_image: its value could not be evaluated: 'undefined_image' is undefined: define it",
        "stack_environment: OTHER: its value could not be evaluated: 'nobody_defined' is undefined",
        "stack_environment: LIST: it has {{ in it and names no variable there",
        "stack_secrets: URL: its value could not be evaluated: vault_host is undefined",
        "stack_secrets: TRICKY: it has {{ in it and names no variable there: mark it as text with !unsafe",
        "stack_secrets: TRICKY_TOO: it refers to vault_tricky, and it has {{ in it, which begins a template",
        "stack_secrets: MISSING: its value could not be evaluated: 'vault_missing' is undefined",
        "stack_secrets: WRONG: its value could not be evaluated: ",
        "stack_secret_files: 'api/key' is not the name of a file",
        "stack_secret_files: other: its value could not be evaluated: 'vault_file' is undefined",
        "stack_build_args: TOKEN: its value could not be evaluated: 'vault_build' is undefined",
        "stack_compose_override: services.web.labels.0: its value could not be evaluated: 'vault_label' is undefined",
        "docker_registry_logins: 0.password: its value could not be evaluated: 'vault_registry' is undefined",
        "stack_secrets: '2KEY' is not the name of an environment variable",
        "stack_port: 'abc' is not a whole number",
        "stack_name: 'Shop' is not a usable name",
        f"stack_project_dir: there is no folder {tmp_path}/nowhere on this machine",
    ):
        assert sentence in said
    assert "stack_web_command" not in said
    assert "KEY: its value" not in said
    assert "hidden" not in said


@pytest.mark.parametrize(
    "change",
    [
        {"stack_project_subdir": "/srv/app"},
        {"stack_project_subdir": "backend/../.."},
        {"stack_requirements_file": "../requirements.txt"},
        {"stack_dockerfile": "/Dockerfile"},
        {"stack_packages": ["gdal-bin; reboot"]},
        {"stack_packages": ["--purge"]},
        {"stack_build_secrets": {"uv": "x"}},
    ],
)
def test_what_cannot_be_built(change: dict[str, Any]) -> None:
    (name,) = change
    assert only(problems(**change)).startswith(f"{name}: ")


def test_what_can_be_built() -> None:
    given = {
        "stack_project_subdir": "apps/web",
        "stack_requirements_file": "requirements/production.txt",
        "stack_packages": ["gdal-bin", "libstdc++6", "ffmpeg=7:7.1.1-1+deb13u1"],
        "stack_build_secrets": {"UV_INDEX_CORP_PASSWORD": "x", "netrc": "x", "ssh_key": "x"},
        "stack_dockerfile": "",
    }
    assert problems(**given) == []


def test_a_dockerfile_in_the_projects_folder_starts_the_server(tmp_path: Path) -> None:
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend/Dockerfile").write_text("FROM scratch\n")
    source = {"stack_git_repository": "", "stack_project_dir": str(tmp_path), "stack_web_command": ""}
    assert problems(**source, stack_project_subdir="backend") == []
    assert only(problems(**source)).startswith("stack_wsgi_application: ")
