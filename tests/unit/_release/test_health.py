# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
import yaml
from ansible_collections.landfall.django.plugins.module_utils._docker import wait
from ansible_collections.landfall.django.plugins.module_utils._front import visitor
from ansible_collections.landfall.django.plugins.module_utils._release.health import (
    container_command,
    listening_problem,
    probe,
    status_problem,
    wait_for_visitors,
)

from rendered import rendered

HOST = "shop.example.com"


@pytest.fixture
def site():
    """A site that answers with a status where host, scheme and path are the right ones, else 400."""
    statuses = [200]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            right = (self.headers["Host"], self.headers["X-Forwarded-Proto"]) == (HOST, "https")
            known = self.path == "/" or self.path.startswith("/health")
            self.send_response(statuses[-1] if right and known else 400)
            self.end_headers()

        def log_message(self, *_arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, statuses.append
        server.shutdown()


def test_a_process_with_a_route_has_to_listen(site):
    port, _answer = site
    assert listening_problem("127.0.0.1", port) == ""
    assert "port 1 of stack_routes" in listening_problem("127.0.0.1", 1)


def test_a_status_names_the_cure():
    assert status_problem(200, "/health/") == ""
    assert "ALLOWED_HOSTS" in status_problem(400, "/health/")
    assert "stack_health_path" in status_problem(404, "/health/")
    assert "500" in status_problem(500, "/health/")


@pytest.mark.parametrize(
    ("status", "host", "path"),
    [
        (200, HOST, "/health/"),
        (200, HOST, "/health/it's"),
        (200, "other.example.com", "/health/"),
        (200, HOST, "/nowhere/"),
        (301, HOST, "/health/"),
        (204, HOST, "/health/"),
        (404, HOST, "/health/"),
        (500, HOST, "/health/"),
    ],
)
def test_the_check_in_the_container_agrees_with_the_one_from_outside(site, status, host, path):
    port, answers_with = site
    answers_with(status)
    _python, *words = container_command(port, path, host)
    inside = subprocess.run([sys.executable, *words], check=False).returncode == 0
    outside = probe("127.0.0.1", port, path, host) == ""
    assert inside == outside == (status == 200 and host == HOST and path.startswith("/health"))


@pytest.mark.parametrize(
    ("status", "host", "healthy"),
    [
        *((status, HOST, True) for status in (200, 302, 401, 404)),
        *((status, HOST, False) for status in (400, 500, 503)),
        (200, "other.example.com", False),
    ],
)
def test_the_front_page_is_healthy_if_it_answers(site, status, host, healthy):
    port, answers_with = site
    answers_with(status)
    _python, *words = container_command(port, "/", host)
    inside = subprocess.run([sys.executable, *words], check=False).returncode == 0
    outside = probe("127.0.0.1", port, "/", host) == ""
    assert inside == outside == healthy


def test_a_container_that_does_not_answer_is_not_healthy(site):
    _python, *words = container_command(1, "/health/", HOST)
    assert subprocess.run([sys.executable, *words], check=False, capture_output=True).returncode
    assert "port 1 " in probe("127.0.0.1", 1, "/health/", HOST)


def test_the_compose_file_has_this_check():
    given = {"stack_domains": [HOST], "stack_port": 8123, "stack_health_path": "/up/"}
    services = yaml.safe_load(rendered("stack", "templates/compose.yaml.j2", given))["services"]
    assert services["web"]["healthcheck"]["test"] == ["CMD", *container_command(8123, "/up/", HOST)]


@pytest.fixture
def met(monkeypatch):
    """What visitors meet one after the other, and then again and again; a second passes between two of them."""
    answers = []
    clock = iter(range(100))

    def request(_port, _host, _path):
        status = answers.pop(0) if len(answers) > 1 else answers[0]
        if status is None:
            raise ConnectionRefusedError
        return status

    monkeypatch.setattr(visitor, "request", request)
    monkeypatch.setattr(wait, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda _seconds: None))
    return answers


def test_visitors_are_waited_for_until_nginx_knows_the_new_addresses(met):
    met += [502, None, 503, 200]
    assert wait_for_visitors(443, HOST, "/health/") == ""


@pytest.mark.parametrize("last", [502, None])
def test_what_visitors_meet_in_the_end_is_told(met, last):
    met += [503, last]
    assert "/health/" in wait_for_visitors(443, HOST, "/health/")
