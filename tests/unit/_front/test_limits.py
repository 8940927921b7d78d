# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the requests and answers of a site may take of the disk is shared out, and never exceeded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.landfall.django.plugins.module_utils._front import limits
from ansible_collections.landfall.django.plugins.module_utils._preflight import front
from hypothesis import given
from hypothesis import strategies as st

from rendered import rendered, variable

ROLE = Path(__file__).parents[3] / "roles/nginx"


def test_the_defaults() -> None:
    assert limits.limits("1g", "20m", 500) == limits.Limits(500, 250, 25, 12, 2**30 // 1000)


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("512", 512), ("8k", 8192), ("20M", 20 * 2**20), ("1g", 2**30), (7, 7), ("1 g", 0)]
)
def test_a_size_is_read_as_nginx_does(text: Any, size: int) -> None:
    assert limits.size(text) == size


@given(st.integers(1, 2**40), st.integers(1, 2**32), st.integers(2, 10**5))
def test_no_more_than_the_buffers_is_ever_taken(buffers: int, body: int, requests: int) -> None:
    found = limits.limits(buffers, body, requests)
    assert found.uploads * body + found.requests * found.answer <= buffers
    if not list(limits.problems_of(buffers, body, requests)):
        assert 1 <= found.uploads_per_visitor < found.uploads
        assert 1 <= found.requests_per_visitor < found.requests


def test_the_role_has_the_same_defaults() -> None:
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    private = yaml.safe_load((ROLE / "vars/main.yml").read_text())
    names = ("nginx_site_buffers", "nginx_site_client_max_body_size", "nginx_site_requests")
    found = {**defaults, "nginx_site_buffers": variable("nginx", "nginx_site_buffers", {})}
    assert [found[name] for name in names] == [limits.BUFFERS, limits.BODY, limits.REQUESTS]
    assert {private["__nginx_uid"], private["__nginx_gid"]} == {front.ACCOUNT_ID}


@pytest.mark.parametrize(
    ("body", "buffers"), [("20m", "1g"), ("256M", "1g"), ("257m", "1028m"), ("2g", "8192m"), (2**30 + 1, "4097m")]
)
def test_the_room_follows_from_the_largest_body(body: Any, buffers: str) -> None:
    assert variable("nginx", "nginx_site_buffers", {"nginx_site_client_max_body_size": body}) == buffers
    assert list(limits.problems_of(buffers, body, limits.REQUESTS)) == []
    assert front.problems_of({"nginx_site_client_max_body_size": body}) == []


@pytest.mark.parametrize(("body", "free", "count"), [("32m", 1024, 0), ("33m", 1535, 1), ("33m", 1536, 0)])
def test_a_disk_has_room_for_the_copies_of_large_uploads(body: str, free: int, count: int) -> None:
    place = {"path": "/srv/nginx", "free_mib": free}
    assert len(list(limits.disk_problems(None, place, body))) == count


@pytest.mark.parametrize(("body", "is_on_disk"), [("20m", False), ("32m", False), ("33m", True), ("2g", True)])
def test_large_uploads_wait_on_the_disk(body: str, is_on_disk: bool) -> None:
    given = {"nginx_site_client_max_body_size": body}
    services = yaml.safe_load(rendered("stack", "templates/compose.yaml.j2", given))["services"]
    mount = "/srv/shop/uploads:/var/tmp"
    assert (mount in services["web"]["volumes"]) == is_on_disk
    assert (services["web"].get("environment") == {"TMPDIR": "/var/tmp"}) == is_on_disk
    assert set(services["celery"]["volumes"]) == set(services["web"]["volumes"]) - {mount}
    folders = [one for one in variable("stack", "__stack_entries", given) if one["path"] == "/srv/shop/uploads"]
    assert [(one["mode"], one["owner"]) for one in folders] == ([("0700", "10001")] if is_on_disk else [])


@pytest.mark.parametrize(("buffers", "free", "count"), [(None, 1024, 0), (None, 1023, 1), ("8g", 8191, 1)])
def test_a_disk_has_room_for_the_buffers(buffers: Any, free: int, count: int) -> None:
    place = {"path": "/srv/nginx", "free_mib": free}
    assert len(list(limits.disk_problems(buffers, place))) == count
