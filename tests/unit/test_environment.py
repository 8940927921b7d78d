"""What a project finds in its environment."""

from __future__ import annotations

import string

import dj_database_url
import environ
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rendered import variable

# What an external server may have; these would be templates.
TEXT = st.text(min_size=1, max_size=20).filter(
    lambda text: "\0" not in text and not {"{{", "{%", "{#"} & set(pairs(text))
)
HOSTILE = string.punctuation.replace("{", "") + " %2F+ä漢\n"


def pairs(text: str) -> list[str]:
    return [text[number : number + 2] for number in range(len(text))]


@settings(max_examples=25, deadline=None)
# The preflight refuses a name that libraries take for the path of a socket.
@given(user=TEXT, password=TEXT, name=TEXT.filter(lambda name: not name.startswith("/")))
@example(user=HOSTILE, password=HOSTILE, name=HOSTILE)
@example(user="a@b:c/d", password="$HOME#?&%", name="a/b?c#d")
def test_every_name_and_password_survives_the_url(user, password, name):
    given = {
        "stack_database": "external",
        "stack_database_engine": "postgresql",
        "stack_database_tls": "disable",
        "stack_database_host": "db.example.com",
        "stack_database_user": user,
        "stack_database_password": password,
        "stack_database_name": name,
    }
    url = variable("stack", "stack_database_url", given)
    for parsed in (dj_database_url.parse(url), environ.Env.db_url_config(url)):
        found = [parsed[key] for key in ("USER", "PASSWORD", "NAME", "HOST", "PORT")]
        assert found == [user, password, name, "db.example.com", 5432]


def test_the_cache_is_not_where_the_queue_is():
    found = variable("stack", "__stack_environment", {"stack_redis_password": "p/w"})
    assert (found["REDIS_URL"], found["CACHE_URL"]) == ("redis://:p%2Fw@redis:6379/0", "redis://:p%2Fw@redis:6379/1")
    assert not {"REDIS_URL", "CACHE_URL"} & set(variable("stack", "__stack_environment", {"stack_redis": False}))


def test_debug_is_set_in_development_only():
    assert "DEBUG" not in variable("stack", "__stack_environment", {})
    assert variable("stack", "__stack_environment", {"stack_mode": "development"})["DEBUG"] is True


def test_the_server_believes_the_front_in_production_only():
    assert variable("stack", "__stack_environment", {})["FORWARDED_ALLOW_IPS"] == "*"
    assert "FORWARDED_ALLOW_IPS" not in variable("stack", "__stack_environment", {"stack_mode": "development"})


@pytest.mark.parametrize(
    ("facts", "given", "home"),
    [
        ({"uid": 1000, "gid": 1000, "homes": {"1000": "/home/app"}}, {}, None),
        ({"uid": 1000, "gid": 1000, "homes": {}}, {}, "/tmp"),
        ({"uid": 1000, "gid": 1000}, {}, "/tmp"),
        ({"uid": 0, "gid": 0, "homes": {"0": "/root"}}, {}, "/tmp"),
        ({"uid": 0, "gid": 0, "homes": {"0": "/root"}}, {"stack_user": "0:0"}, None),
        ({"uid": 0, "gid": 0, "homes": {"10001": "/home/app"}}, {}, None),
        ({"uid": 1000, "gid": 1000, "homes": {"1000": "/home/app"}}, {"stack_environment": {"HOME": "/x"}}, "/x"),
    ],
)
def test_home_is_that_of_the_image_s_user(facts, given, home):
    probe = {"id": "sha256:1", "workdir": "/app", **facts}
    assert variable("stack", "__stack_environment", {"__stack_image_probe": probe, **given}).get("HOME") == home


def test_django_gets_wildcards_in_its_own_form() -> None:
    found = variable("stack", "__stack_environment", {"stack_domains": ["example.com", "*.example.com"]})
    assert found["ALLOWED_HOSTS"] == "example.com,.example.com"
    assert found["CSRF_TRUSTED_ORIGINS"] == "https://example.com,https://*.example.com"
