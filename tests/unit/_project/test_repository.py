# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A token in a repository's address reaches its server, and nothing that others can read."""

from __future__ import annotations

import base64
import functools
import http.server
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._project.repository import repository

from rendered import variable

TOKEN = "t'k: $&/n"


@pytest.mark.parametrize(
    ("address", "url", "server", "user", "token"),
    [
        ("https://ann:secret@git.test/a.git", "https://git.test/a.git", "https://git.test", "ann", "secret"),
        ("https://secret@git.test/a.git", "https://git.test/a.git", "https://git.test", "secret", ""),
        ("https://:secret@git.test:8443/a", "https://git.test:8443/a", "https://git.test:8443", "", "secret"),
        ("http://ann:a%40b%2Fc%3A@git.test/a", "http://git.test/a", "http://git.test", "ann", "a@b/c:"),
        ("https://ann:a@b@git.test/a@b", "https://git.test/a@b", "https://git.test", "ann", "a@b"),
        ("https://ann:s:t@git.test", "https://git.test", "https://git.test", "ann", "s:t"),
    ],
)
def test_credentials_are_taken_out(address: str, url: str, server: str, user: str, token: str) -> None:
    found = repository(address)
    assert (found.url, found.server) == (url, server)
    assert found.credentials == f"username={user}\npassword={token}\n"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://git.test/a.git",
        "https://git.test/user@host/a.git",
        "ssh://git@git.test/a.git",
        "git@git.test:a.git",
        "/srv/git/a@b.git",
        "file:///srv/a.git",
    ],
)
def test_any_other_address_stays(address: str) -> None:
    assert repository(address) == type(repository(""))(address)


def test_a_line_break_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^stack_git_repository: "):
        repository("https://ann:a%0Ab@git.test/a")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A repository that is served to whoever has the token."""
    git(tmp_path, "init", "--quiet", "work")
    git(tmp_path / "work", "-c", "user.name=x", "-c", "user.email=x@x.test", "commit", "-q", "--allow-empty", "-m", "a")
    git(tmp_path, "clone", "--quiet", "--bare", "work", "a.git")
    git(tmp_path / "a.git", "update-server-info")
    wanted = "Basic " + base64.b64encode(f"ann:{TOKEN}".encode()).decode()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("Authorization") == wanted:
                super().do_GET()
            else:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=tmp_path)) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


def git(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "HOME": str(folder)}
    return subprocess.run(
        ["git", *words], cwd=folder, env={**os.environ, **quiet, **more}, check=True, capture_output=True, text=True
    )


def test_git_itself_gets_the_token_from_the_roles_environment(tmp_path: Path, server: str) -> None:
    given = {
        "stack_git_repository": f"http://ann:{TOKEN.replace('/', '%2F')}@{server}/a.git",
        "stack_root": str(tmp_path),
    }
    (tmp_path / "git_credentials").write_text(variable("stack", "__stack_repository", given)["credentials"])
    environment = variable("stack", "__stack_git_environment", given)
    assert TOKEN not in str(environment)
    git(tmp_path, "clone", "--quiet", variable("stack", "__stack_repository", given)["url"], "there", **environment)
    assert TOKEN not in (tmp_path / "there/.git/config").read_text()
    elsewhere = given["stack_git_repository"].replace("127.0.0.1", "localhost")
    with pytest.raises(subprocess.CalledProcessError):
        git(tmp_path, "clone", "--quiet", repository(elsewhere).url, "not-there", **environment)
