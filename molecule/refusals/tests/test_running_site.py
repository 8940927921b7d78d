"""Refused when a site already runs: it serves on as before. What fails in a release is in the scenario releases."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

SHOP = Path(__file__).parents[3] / "examples/shop"


@pytest.fixture(scope="module")
def site(ansible_playbook, visit):
    done = ansible_playbook("landfall.django.site")
    assert done.returncode == 0, done.stdout
    return visit("shop")


@pytest.fixture
def project(tmp_path):
    """A copy of the example project, to be spoilt."""
    return shutil.copytree(SHOP, tmp_path / "shop")


@pytest.fixture
def refused(host, ansible_playbook, site):
    """Run a release with these variables; it must fail, and the containers must be those of before."""

    def run(**variables):
        containers = "docker ps --all --no-trunc --format '{{.ID}} {{.Names}}' --filter status=running | sort"
        before = host.check_output(containers)
        done = ansible_playbook("landfall.django.deploy", "--extra-vars", json.dumps(variables))
        assert done.returncode != 0, done.stdout
        assert site.get("/health/").status == 200
        assert host.check_output(containers) == before
        assert host.check_output("docker ps --all --quiet --filter status=exited --filter status=created") == ""
        return " ".join(done.stdout.split())

    return run


def test_a_wsgi_module_that_is_not_in_the_image(refused):
    said = refused(stack_wsgi_application="shop.nowhere:application")
    assert "stack_wsgi_application" in said
    assert "shop.nowhere" in said


def test_a_project_without_a_lock_file(refused, project):
    (project / "Pipfile.lock").unlink()
    said = refused(stack_project_dir=str(project))
    assert "stack_dockerfile" in said
    assert "requirements.txt" in said


def test_a_build_that_fails_says_why_and_shows_its_log_once(refused, project):
    steps = "RUN printf 'this is %s\\n' before; printf 'E: nothing of %s name\\n' that; exit 100"
    (project / "Dockerfile").write_text(f"FROM python:3.13-slim\n{steps}\n")
    said = refused(stack_project_dir=str(project))
    assert "E: nothing of that name" in said
    assert said.count("this is before") == 1


def test_a_project_that_demands_root_is_told_how_to_get_it(host, refused, project, ansible_playbook, site):
    settings = project / "shop/settings.py"
    demand = 'if os.environ.get("ALLOWED_HOSTS") and os.getuid():\n    raise SystemExit("must be run as root")\n'
    settings.write_text(f"{settings.read_text()}\n{demand}")
    assert "set stack_user to 0:0" in refused(stack_project_dir=str(project))

    given = {"stack_project_dir": str(project), "stack_user": "0:0"}
    done = ansible_playbook("landfall.django.deploy", "--extra-vars", json.dumps(given))
    assert done.returncode == 0, done.stdout
    assert site.get("/health/").status == 200
    for service in ("web", "celery", "celery-beat"):
        assert host.check_output(f"docker compose -p shop exec -T {service} id -u") == "0"
        assert (
            host.run(f"docker compose -p shop exec -T {service} cat /proc/1/status").stdout.count(
                "CapEff:\t0000000000000000"
            )
            == 1
        )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("DEBUG = 'False'", ["DEBUG = "]),
        ("TOKEN = os.environ['SHOP_TOKEN']", ["SHOP_TOKEN", "stack_secrets"]),
        ("CELERY_BROKER_URL = CACHES['default']['LOCATION']", ["CELERY_BROKER_URL", "CACHE_URL"]),
        ("MEDIA_ROOT = BASE_DIR", ["MEDIA_ROOT", "/app/shop/settings.py"]),
    ],
)
def test_settings_that_cannot_work_are_refused_with_the_line_to_write(refused, project, line, words):
    settings = project / "shop/settings.py"
    # In the build these variables are not there.
    settings.write_text(f"{settings.read_text()}\nif os.environ.get('ALLOWED_HOSTS'):\n    {line}\n")
    said = refused(stack_project_dir=str(project))
    for word in words:
        assert word in said


def test_the_next_good_run_converges(ansible_playbook, site):
    assert ansible_playbook("landfall.django.site").returncode == 0
    again = ansible_playbook("landfall.django.site")
    assert "changed=0" in again.stdout, again.stdout


def test_lost_secrets_are_not_made_anew_over_the_data_they_open(host, refused):
    host.check_output("mv /srv/shop/secrets /srv/shop/secrets.lost")
    try:
        said = refused()
    finally:
        host.check_output("mv /srv/shop/secrets.lost /srv/shop/secrets")
    assert "db/password is missing" in said


def test_another_database_password_does_not_lock_the_stack_out(refused):
    said = refused(stack_database_password="another-one")
    assert "stack_database_password" in said
    assert "landfall.django.rotate" in said


def test_the_authority_refuses_and_the_site_keeps_its_certificate(ansible_playbook, site):
    serial = site.serial()
    domains = [site.name, f"www.{site.name}", "elsewhere.lab.test"]
    done = ansible_playbook("landfall.django.site", "--extra-vars", json.dumps({"stack_domains": domains}))
    assert done.returncode != 0
    said = " ".join(done.stdout.split())
    assert "elsewhere.lab.test" in said
    assert "letsencrypt_domains" in said
    assert site.get("/health/").status == 200
    assert site.serial() == serial
