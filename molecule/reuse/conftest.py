"""The site `echo` of converge.yml, with a server behind it that answers with the headers it was sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from echo_site import Front

ECHO = Path(__file__).with_name("echo.py")
UPSTREAM = "upstream echo { server unix:/srv/nginx/echo.sock; }\n"


@pytest.fixture(scope="module")
def front(host, variables) -> Iterator[Front]:
    """With the echo behind it, a file of the project's, and one that a visitor has uploaded."""
    files = {
        "/root/echo.py": ECHO.read_text(),
        "/srv/nginx/upstreams/echo.conf": UPSTREAM,
        "/srv/nginx/sites/echo/static/site.css": "a { color: red }\n" * 500,
        "/srv/nginx/sites/echo/media/page.html": "<script>alert(1)</script>\n" * 500,
    }
    with host.sudo():
        host.check_output("mkdir -p /srv/nginx/sites/echo/media")
        before = host.file("/srv/nginx/upstreams/echo.conf").content_string
        for path, text in files.items():
            host.check_output("printf %%s %s >%s", text, path)
        host.check_output("systemd-run --unit=echo python3 /root/echo.py /srv/nginx/echo.sock")
        host.check_output("/srv/nginx/reload")
    try:
        yield Front(variables["ansible_host"], variables["inventory_hostname"])
    finally:
        with host.sudo():
            host.check_output("systemctl stop echo && rm /srv/nginx/echo.sock")
            host.check_output("printf %%s %s >/srv/nginx/upstreams/echo.conf", before)
            host.check_output("/srv/nginx/reload")
