"""What fails on the way to a release leaves the one before serving, and nothing behind; the next run converges.

`refused` holds each of them to that: every container and file is what it was. Two that reach furthest, a full disk and
dead databases, are followed by a good release.
"""

from __future__ import annotations

import json
import re
import time

import load
import pytest


def test_a_broken_build_shows_its_last_lines(project, refused):
    (project.root / "Dockerfile").write_text("FROM python:3.13-slim\nRUN echo the reason is here && false\n")
    assert "the reason is here" in refused()


def test_an_image_that_cannot_be_pulled(refused):
    assert "registry.lab.test:5000/none" in refused(stack_image="registry.lab.test:5000/none:1", stack_project_dir="")


def test_a_container_that_exits_at_once(project, refused):
    (project.root / "meter/wsgi.py").write_text("raise RuntimeError('broken on purpose')\n")
    said = refused()
    assert "exited with code" in said
    assert "broken on purpose" in said


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"stack_health_path": "/nowhere/"}, ["/nowhere/ answers 404", "stack_health_path"]),
        (
            {"stack_environment": {"ALLOWED_HOSTS": "other.example"}, "stack_accepted": ["hosts"]},
            ["answers 400", "ALLOWED_HOSTS"],
        ),
    ],
)
def test_a_release_that_never_gets_healthy_says_why(refused, given, words):
    begin = time.monotonic()
    said = refused(stack_health_timeout=5, **given)
    print(f"over after {time.monotonic() - begin:.1f} s, with 5 s to get healthy")
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"ALLOWED_HOSTS": "other.example"}, ["ALLOWED_HOSTS", "stack_domains", "stack_accepted"]),
        ({"DATABASE_URL": "mysql://meter:secret@nowhere/meter"}, ["DATABASES", "nowhere", "stack_accepted"]),
    ],
)
def test_settings_that_do_not_fit_stop_it_before_anything_changes(host, refused, given, words):
    before = host.check_output("ls /srv/meter/releases; sha256sum /srv/meter/next/.env")
    said = refused(stack_environment=given)
    for word in words:
        assert word in said
    assert host.check_output("ls /srv/meter/releases; sha256sum /srv/meter/next/.env") == before


def test_its_own_checks_stop_it(project, refused):
    with (project.root / "meter/models.py").open("a") as models:
        models.write(
            "\nfrom django.core.checks import Error, register\n\n\n@register(deploy=True)\n"
            "def refuse(app_configs, **kwargs):\n    return [Error('not fit for production', id='meter.E001')]\n"
        )
    said = refused()
    assert "meter.E001" in said
    assert "stack_check_level" in said


def test_a_release_that_answers_500_behind_nginx_only(project, refused, variables, site):
    project.edit(
        "meter/views.py",
        "def health(_request: HttpRequest) -> JsonResponse:\n",
        "def health(_request):\n    assert 'HTTP_X_REAL_IP' not in _request.META, 'behind Nginx'\n",
    )
    with load.on(variables["ansible_host"], site.name):
        said = refused()
        time.sleep(2)
    assert "fails behind Nginx" in said
    assert "answers 500" in said


def test_a_disk_that_is_full(host, project, refused, play, page):
    """Whatever of the new release it is that cannot be written any more: its files, or its static ones."""
    release = project.next_release()
    for folder in ("/srv/meter/next", "/srv/meter/static", "/srv/nginx/sites/meter/static"):
        host.check_output(f"mount -t tmpfs -o size=4k,mode=0755 tmpfs {folder} && fallocate --length=4k {folder}/full")
        try:
            said = refused()
            left = host.check_output(f"find {folder} -name '.*.new'")
        finally:
            host.check_output(f"umount {folder}")
        assert "No space left on device" in said
        assert left == ""
    play()
    assert page()["release"] == release


def test_a_worker_that_does_not_start(project, refused):
    with (project.root / "meter/tasks.py").open("a") as tasks:
        tasks.write("\nimport sys\n\nif 'worker' in sys.argv:\n    raise RuntimeError('no work today')\n")
    assert "no work today" in refused()


def test_a_broken_nginx_template(tmp_path, refused, project):
    (tmp_path / "nginx").mkdir()
    text = (project.root.parents[1] / "templates/nginx/site.conf.j2").read_text()
    (tmp_path / "nginx/site.conf.j2").write_text(text.replace("http2 on;", "http2 on; nonsense;"))
    said = refused("site", stack_template_dirs=[str(tmp_path)])
    assert 'unknown directive "nonsense"' in said


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"DATABASE_URL": "mysql://meter:secret@nowhere/meter"}, ["ask the database", "nowhere"]),
        ({"REDIS_URL": "redis://nowhere:6379/0"}, ["meter-celery-", "not healthy within 5 ", "nowhere"]),
    ],
)
def test_a_release_that_does_not_reach_what_it_needs(refused, given, words):
    said = refused(stack_health_timeout=5, stack_environment=given, stack_accepted=["database"])
    for word in words:
        assert word in said


def test_a_redis_that_cannot_be_replaced(refused):
    assert "registry.lab.test:5000/none:1" in refused(stack_redis_image="registry.lab.test:5000/none:1")


def test_a_database_and_a_redis_that_are_down_are_started(host, converges):
    host.check_output("docker kill meter-db-1 meter-redis-1")
    converges()


def test_a_check_tells_the_plan_and_changes_nothing(host, project, ansible_playbook, page):
    release = page()["release"]
    containers = host.check_output("docker ps --all --no-trunc --quiet | sort")
    project.next_release()
    (project.root / "meter/migrations/0002_later.py").write_text("")
    secret = {"stack_secrets": {"TOKEN": "never to be seen"}}
    done = ansible_playbook("landfall.django.deploy", "--check", "--diff", "-e", json.dumps(secret))
    assert done.returncode == 0, done.stdout
    assert "meter/settings.py" in done.stdout
    for line in (
        r"build an image",
        r"migration meter\.0002_later",
        r"start 1 new .* web\b",
        r"start 1 new .* celery-beat\b",
    ):
        assert re.search(line, done.stdout), line
    assert "never to be seen" not in done.stdout
    assert page()["release"] == release
    assert host.check_output("docker ps --all --no-trunc --quiet | sort") == containers
