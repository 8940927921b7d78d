"""Files that somebody deleted, a front that froze or is down: one run converges, or nothing is lost."""

from __future__ import annotations

import time

import load
import pytest

SECRETS = "/srv/meter/secrets"


def nginx(host, number: str) -> None:
    """Send a signal to all of Nginx."""
    name = host.check_output("docker compose -p nginx ps --format '{{.Name}}' nginx")
    host.check_output(f"kill -{number} $(docker inspect --format '{{{{.State.Pid}}}}' {name})")


def test_nginx_that_freezes_while_it_reloads_serves_on_when_it_wakes(
    host, project, play, page, attempts, variables, site
):
    before = page()["release"]
    project.next_release()
    nginx(host, "STOP")
    try:
        with pytest.raises(AssertionError, match=r"(?s)Nginx .*configuration"):
            play()
    finally:
        nginx(host, "CONT")
    with load.on(variables["ansible_host"], site.name):
        time.sleep(5)
        assert page()["release"] == before
        assert attempts()[-1]["state"] == "failed"
        release = project.next_release()
        play()
        assert page()["release"] == release
    web = host.check_output("docker ps --all --quiet --filter label=com.docker.compose.service=web").split()
    assert len(web) == 1, "what had to stay is gone"


def test_what_nginx_has_loaded_counts_and_not_its_file(host, play, page, ansible_playbook):
    """A reload failed, and the file of a release that never took over is there."""
    file = "/srv/nginx/upstreams/meter.conf"
    former = host.file(file).content_string
    name = host.check_output("docker compose -p meter ps --format '{{.Name}}' web")
    # Neither its name nor its address, which Nginx uses until it knows the name.
    host.check_output(f"sed -i -E 's/{name}/gone/g; s/server [0-9.]+:/server 127.0.0.1:/' {file}")
    host.check_output("/srv/nginx/reload")
    status = ansible_playbook("landfall.django.status")
    assert status.returncode != 0, "a visitor gets no answer"
    host.check_output("printf %%s %s > " + file, former)
    play()
    assert page()["release"]


def test_files_in_force_that_are_gone(host, play, page):
    host.check_output("rm /srv/meter/.env /srv/meter/compose.yaml")
    play()
    assert host.file("/srv/meter/.env").size > 0
    assert host.file("/srv/meter/compose.yaml").size > 0
    assert page()["release"]


def test_secrets_that_were_away_and_are_back(host, play, page):
    host.check_output(f"cp -a {SECRETS} {SECRETS}.away && rm -r {SECRETS} && mv {SECRETS}.away {SECRETS}")
    play()
    assert page()["release"]
    for service in ("db", "redis"):
        assert host.check_output(f"docker compose -p meter exec -T {service} ls /run/secrets")


def test_a_front_whose_folder_is_gone(host, play, page):
    host.check_output("rm -r /srv/nginx")
    play("site")
    assert page()["release"]
    assert host.file("/srv/nginx/sites/meter/static").listdir()
