# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import socket

import pytest
from ansible_collections.landfall.django.plugins.module_utils._alarms import post

from tests.unit._alarms.servers import Server


def test_a_request_is_built_of_the_url() -> None:
    wanted = post.request("https://ann:s%40fe@hooks.example.com:8443/a/b?token=1", "application/json")
    assert (wanted.secure, wanted.host, wanted.port, wanted.path) == (True, "hooks.example.com", 8443, "/a/b?token=1")
    assert wanted.headers["Authorization"] == "Basic YW5uOnNAZmU="
    assert post.request("http://example.com", "text/plain").path == "/"


@pytest.mark.parametrize(
    "url", ["ftp://secret.example.com/", "https:///secret", "https://[secret", "http://a:secret/", "https://a/ secret"]
)
def test_what_is_no_url_is_refused_without_its_text(url: str) -> None:
    with pytest.raises(ValueError, match="URL") as refused:
        post.request(url, "text/plain")
    assert "secret" not in str(refused.value)
    with pytest.raises(OSError, match="URL"):
        post.send(url, b"", "text/plain")


@pytest.mark.parametrize(
    ("url", "failure"),
    [
        ("https://hc.example.com/ab-cd", "https://hc.example.com/ab-cd/fail"),
        ("https://hc.example.com/ab-cd/?create=1", "https://hc.example.com/ab-cd/fail?create=1"),
    ],
)
def test_a_failure_has_a_url_of_its_own(url: str, failure: str) -> None:
    assert post.failure_url(url) == failure


@pytest.mark.parametrize(("status", "taken"), [(200, True), (204, True), (302, False), (404, False), (500, False)])
def test_only_an_answer_of_success_means_that_it_was_taken(server: Server, status: int, taken: bool) -> None:
    server.status = status
    problem = post.problem(post.send(f"{server.url}/hook?key=1", b"{}", "application/json"))
    assert (problem == "") == taken
    assert [path for path, _, _ in server.taken] == ["/hook?key=1"]


def test_no_answer_is_told_without_the_url() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError) as refused:
            post.send(f"http://127.0.0.1:{closed.getsockname()[1]}/secret", b"", "text/plain")
    assert post.reason(refused.value)
    assert "secret" not in post.reason(refused.value)
    with pytest.raises(socket.gaierror) as unknown:
        post.send("http://secret.invalid/", b"", "text/plain")
    assert post.reason(unknown.value)
    assert "secret" not in post.reason(unknown.value)


def test_a_server_that_does_not_answer_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(post, "_TIMEOUT", 0.2)
            with pytest.raises(TimeoutError) as late:
                post.send(url, b"", "text/plain")
    assert "in time" in post.reason(late.value)
