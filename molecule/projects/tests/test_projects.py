"""Each project answers as itself, though nothing in it was made for this collection."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

PROJECTS = Path(__file__).parents[3] / "tests/projects"
HOSTILE = Path(__file__).parents[1] / "hostile.txt"


def front(visitor, **arguments):
    answer = visitor.get("/", **arguments)
    assert answer.status == 200, answer.text
    return json.loads(answer.text)


@pytest.fixture(scope="module")
def atlas(visit):
    return visit("atlas")


def test_a_foreign_image_is_built_from_its_own_dockerfile_and_starts_its_own_way(atlas):
    page = front(atlas)
    assert page["edition"] == "second"
    assert page["started_by"] == "entrypoint"
    assert page["server"] == "ASGIRequest"
    assert page["secure"] is True


def test_the_private_submodule_came_along(atlas):
    assert front(atlas)["banner"] == (PROJECTS / "banner/motto.txt").read_text().strip()


def test_it_was_migrated_under_its_own_setting_names(atlas):
    assert front(atlas)["places"]


def test_a_hostile_secret_arrives_byte_for_byte(atlas):
    # The path that the project gives the page is not of interest: any of the two says 200.
    assert atlas.get("/secret-check").text == hashlib.sha256(HOSTILE.read_bytes()).hexdigest()


def test_a_project_serves_its_own_static_files(atlas):
    assert atlas.get(front(atlas)["stylesheet"]).headers["content-type"].startswith("text/css")


def test_no_redis_where_none_is_wanted(host):
    names = host.check_output("docker ps --all --format '{{.Names}}' --filter label=com.docker.compose.project=atlas")
    assert not any("redis" in name for name in names.split())


def test_the_deploy_key_is_for_root_only(host):
    key = host.file("/srv/atlas/deploy_key")
    assert (key.user, key.mode) == ("root", 0o600)


def test_uwsgi_serves_both_domains(visit):
    kiosk = visit("kiosk")
    page = front(kiosk)
    assert (page["server"], page["host"], page["secure"]) == ("uwsgi", kiosk.name, True)
    second = visit("second-kiosk")
    assert front(second)["host"] == second.name


def test_redis_counts_without_celery(visit):
    kiosk = visit("kiosk")
    assert front(kiosk)["visits"] < front(kiosk)["visits"]


def test_static_files_of_the_image_are_served_beside_the_collected_ones(visit):
    kiosk = visit("kiosk")
    for name in ("built", "kiosk"):
        assert kiosk.get(f"/static/kiosk/{name}.css").status == 200


def test_a_command_of_the_project_ran_and_what_it_wrote_stays(host):
    assert host.file("/srv/kiosk/volumes/notes/releases").content_string.split()[0] == "1"
    seen = host.check_output("docker exec $(docker ps -q --filter name=kiosk-heartbeat) cat /app/notes/releases")
    assert seen.split() == host.file("/srv/kiosk/volumes/notes/releases").content_string.split()


def test_a_process_of_its_own_runs(visit, until):
    kiosk = visit("kiosk")
    before = front(kiosk)["beats"]
    until(lambda: front(kiosk)["beats"] > before, seconds=20)


def test_a_process_of_its_own_answers_under_a_path_and_at_a_host_name(visit):
    kiosk, desk = visit("kiosk"), visit("desk-kiosk")
    file = "/kiosk/kiosk.css"
    content = (PROJECTS / "kiosk/kiosk/static" / file[1:]).read_bytes()
    answer = kiosk.get(file)
    assert (answer.status, answer.body) == (200, content)
    assert "strict-transport-security" in answer.headers
    assert desk.get(file).status == 401
    user = base64.b64encode(b"ann:a password for the desk").decode()
    assert desk.get(file, headers={"Authorization": f"Basic {user}"}).body == content
    # Neither the static files nor the health page of the site.
    for path in ("/static/kiosk/kiosk.css", "/healthz"):
        assert desk.get(path, headers={"Authorization": f"Basic {user}"}).status == 404


def test_a_job_runs_with_the_files_of_the_project_and_one_that_fails_is_a_problem(host, ansible_playbook):
    status = ("landfall.django.status", "--extra-vars", "stack_name=kiosk")
    assert host.run("systemctl is-active landfall-kiosk.note.timer landfall-kiosk.broken.timer").rc == 0
    host.check_output("systemctl start landfall-kiosk.note.service")
    assert host.file("/srv/kiosk/volumes/notes/jobs").content_string == "a word for jobs"
    assert ansible_playbook(*status).returncode == 0
    assert host.run("systemctl start landfall-kiosk.broken.service").rc != 0
    failed = ansible_playbook(*status)
    assert failed.returncode != 0
    assert "landfall-kiosk.broken.service" in failed.stdout
    host.check_output("systemctl reset-failed landfall-kiosk.broken.service")


def test_an_alarm_comes_once_and_so_does_the_recovery(host):
    """Each round by hand, so that the timer does not come between them."""
    unit, about = "landfall-alarms@kiosk", "services/heartbeat"
    assert host.run(f"systemctl is-active {unit}.timer").rc == 0
    host.check_output(f"systemctl stop {unit}.timer {unit}.service && systemctl start {unit}.service")
    # New alarms are quiet for five minutes, which are over.
    state = "/run/landfall-alarms-kiosk.json /srv/kiosk/alarms/state.json"
    host.check_output(f'sed -i -E \'s/"began": [0-9.]+/"began": 1/\' {state}')

    def told() -> list[str]:
        host.check_output(f"systemctl start {unit}.service")
        told = host.file("/root/alarms")
        lines = told.content_string.splitlines() if told.exists else []
        return [event["level"] for line in lines for event in json.loads(line)["events"] if event["id"] == about]

    assert told() == []
    host.check_output("docker stop kiosk-heartbeat-1")
    assert [told(), told(), told()] == [[], ["problem"], ["problem"]]
    assert 'landfall_problem{stack="kiosk",check="services",subject="heartbeat"} 1' in (
        host.file("/run/landfall-kiosk.prom").content_string
    )
    # As after a reboot.
    host.check_output("rm /run/landfall-alarms-kiosk.json")
    assert told() == ["problem"]
    host.check_output("docker start kiosk-heartbeat-1")
    assert [told(), told(), told(), told()] == [["problem"]] * 2 + [["problem", "recovered"]] * 2
    assert host.file("/srv/kiosk/alarms/settings.json").mode == 0o600
    host.check_output(f"systemctl start {unit}.timer")


def test_a_users_own_templates_are_used_instead(host, visit):
    assert visit("kiosk").get("/healthz").headers["x-template"] == "of the user's own"
    assert "# of the user's own" in host.file("/srv/kiosk/compose.yaml").content_string
    assert "x-template" not in visit("pamphlet").get("/").headers


def test_a_static_file_of_every_generated_image_is_served(visit):
    for label in ("kiosk", "pamphlet"):
        site = visit(label)
        assert site.get(front(site)["stylesheet"]).headers["content-type"] == "text/css"


def test_replicas_share_the_traffic(host, visit):
    upstream = host.file("/srv/nginx/upstreams/pamphlet.conf").content_string
    assert upstream.count("server pamphlet-web-") == 2
    assert front(visit("pamphlet"))["secure"] is True


def test_a_ready_image_is_used_as_it_is(visit):
    assert front(visit("ready"))["edition"] == "ready"


def test_an_image_of_roots_own_does_not_run_as_root(host):
    web = host.check_output("docker compose -p ready ps -q web")
    image = host.check_output("docker inspect --format '{{.Image}}' %s", web)
    assert host.check_output("docker inspect --format '{{.Config.User}}' %s", image) == "root"
    assert host.check_output("docker exec %s id -u", web) == "10001"


def test_stacks_do_not_see_each_other(host):
    reach = (
        "docker compose -p %s exec -T web python3 -c 'import socket; socket.create_connection((\"%s\", %d), timeout=3)'"
    )
    assert host.run(reach % ("atlas", "db", 3306)).rc == 0
    for target, port in (("kiosk-db-1", 3306), ("kiosk-redis-1", 6379), ("kiosk-web-1", 8080)):
        assert host.run(reach % ("atlas", target, port)).rc != 0
    addresses = "docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' kiosk-db-1"
    address = host.check_output(addresses).split()[0]
    assert host.run(reach % ("atlas", address, 3306)).rc != 0


def test_development_reloads_a_changed_source_over_plain_http(host, until):
    ask = "curl -s http://localhost:8001/ || python3 -c 'import urllib.request as u; print(u.urlopen(\"http://localhost:8001/\").read().decode())'"
    assert '"secure": false' in host.check_output(ask)
    host.check_output('sed -i \'s/"secure":/"reloaded": True, "secure":/\' /srv/draft/development/pamphlet.py')
    until(lambda: '"reloaded": true' in host.run(ask).stdout, seconds=30)
    assert 'DEBUG="True"' in host.file("/srv/draft/.env").content_string
