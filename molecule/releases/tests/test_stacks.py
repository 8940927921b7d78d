"""Two stacks on one host: neither notices the other, whatever is done to it."""

from __future__ import annotations

import time

import load
import pytest

REACH = "docker compose -p %s exec -T web python3 -c 'import socket; socket.create_connection((\"%s\", %d), timeout=3)'"


@pytest.fixture(scope="module")
def staging(visit):
    return visit("meter-staging")


def test_releases_going_back_and_removal_of_one_lose_nothing_of_the_other(
    host, variables, site, staging, play, project, of_staging, ledger
):
    address = variables["ansible_host"]
    with load.on(address, site.name):
        play("site", **of_staging)
        with load.on(address, staging.name):
            for _ in range(2):
                project.next_release()
                play(**of_staging)
            play()
            play("rollback", **of_staging)
            time.sleep(2)
        images = host.check_output("docker image ls --format '{{.Repository}}' | sort | uniq -c").split()
        counts = dict(zip(images[1::2], map(int, images[::2]), strict=True))
        assert counts["meter-staging"] == 2, "older ones go"
        assert counts["meter"] > 2, "and never another stack's"
        kept = host.check_output("ls -d /srv/meter/releases/*/.env").split()
        assert kept
        for entry in ledger():
            if f"/srv/meter/releases/{entry['release']}/.env" in kept:
                assert host.run("docker image inspect %s", entry["site"]["image"]).rc == 0


@pytest.mark.parametrize(("target", "port"), [("meter-db-1", 3306), ("meter-redis-1", 6379), ("meter-web", 8000)])
def test_no_stack_reaches_anothers_services(host, target, port):
    assert host.run(REACH % ("meter-staging", "db", 3306)).rc == 0
    name = host.check_output(f"docker ps --format '{{{{.Names}}}}' --filter name=^{target} | head -1")
    form = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
    for reached in (name, *host.check_output(f"docker inspect --format '{form}' {name}").split()):
        assert host.run(REACH % ("meter-staging", reached, port)).rc != 0


def test_a_removed_stack_leaves_the_other_alone(host, variables, site, play, of_staging):
    with load.on(variables["ansible_host"], site.name):
        play("remove", **of_staging)
        time.sleep(5)
    assert host.check_output("docker ps --all --quiet --filter label=com.docker.compose.project=meter-staging") == ""
    assert "meter-staging" not in host.check_output(
        "ls /srv/nginx/conf.d /srv/nginx/upstreams /etc/letsencrypt/renewal"
    )
    # What cannot be made again waits for the stack's return, or for a word.
    assert host.file("/srv/meter-staging/.env").exists
    assert host.check_output("docker volume ls --quiet --filter name=meter-staging_db-data")
    play("remove", **of_staging, remove_data=True)
    assert not host.file("/srv/meter-staging").exists
    assert host.check_output("docker volume ls --quiet --filter name=meter-staging") == ""
