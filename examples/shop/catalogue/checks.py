"""What the health page asks; each check raises what is wrong."""

from functools import cache

import redis
from django.conf import settings
from django.core.cache import cache as django_cache
from django.db import connection


def database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


def cache_store() -> None:
    django_cache.set("health", "well", 10)
    if django_cache.get("health") != "well":
        raise RuntimeError("the cache did not return what was stored")


@cache
def broker_client() -> redis.Redis:
    return redis.Redis.from_url(settings.CELERY_BROKER_URL, **settings.REDIS_TIMEOUTS)


def broker() -> None:
    if settings.CELERY_BROKER_URL:
        broker_client().ping()


CHECKS = {"database": database, "cache": cache_store, "broker": broker}
