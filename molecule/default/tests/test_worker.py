"""A worker that freezes is noticed.

It takes until the heartbeat is too old and three checks have failed, so the workers of all hosts freeze together. After
the other files, which need workers that work.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import testinfra


def send(host, signal: str) -> None:
    """Send a signal to all processes of the worker."""
    pids = host.check_output("docker compose -p shop top celery | awk '/celery_heartbeat/ {print $2}' | xargs")
    host.check_output(f"kill -{signal} {pids}")


@pytest.fixture(scope="session")
def _frozen(request) -> Iterator[None]:
    option = request.config.option
    hosts = testinfra.get_hosts([option.hosts], ansible_inventory=option.ansible_inventory)
    try:
        for host in hosts:
            send(host, "STOP")
        yield
    finally:
        for host in hosts:
            send(host, "CONT")


@pytest.mark.usefixtures("_frozen")
def test_a_frozen_worker_is_noticed(host, ansible_playbook, until):
    health = "docker inspect --format '{{.State.Health.Status}}' $(docker compose -p shop ps -q celery)"
    try:
        until(lambda: host.check_output(health) == "unhealthy", seconds=120)
        done = ansible_playbook("landfall.django.status")
        assert done.returncode != 0
        assert "celery" in done.stdout
    finally:
        send(host, "CONT")
    until(lambda: host.check_output(health) == "healthy", seconds=60)
