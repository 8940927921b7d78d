"""The front comes back by itself, whatever of it is killed."""

from __future__ import annotations

import time

import pytest

PID = "docker inspect --format '{{.State.Pid}}' %s"


@pytest.mark.parametrize("service", ["edge", "nginx"])
def test_a_killed_part_of_the_front_returns_with_every_network(host, page, until, service):
    name = host.check_output(f"docker compose -p nginx ps --format '{{{{.Name}}}}' {service}")
    before = host.check_output(
        "docker inspect --format '{{json .NetworkSettings.Networks}}' nginx-edge-1 | tr ',' '\\n'"
    )
    assert "meter_front" in before
    pid = host.check_output(PID, name)
    host.check_output("kill -9 %s", pid)
    begin = time.monotonic()
    # The workers of a killed Nginx go on for a moment.
    until(lambda: host.check_output(PID, name) not in (pid, "0"), seconds=15)

    def answers() -> bool:
        try:
            return bool(page("/health/")["release"])
        except (OSError, ValueError):
            return False

    until(answers, seconds=15)
    print(f"{service}: back after {time.monotonic() - begin:.1f} s")
    networks = (
        "docker inspect --format '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}' nginx-edge-1"
    )
    assert "meter_front" in host.check_output(networks).split()
