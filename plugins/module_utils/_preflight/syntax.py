# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What host names, paths, sizes and accounts look like, for every variable that holds one.

Private to this collection.
"""

from __future__ import annotations

import re

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_DOCKER_SIZE = re.compile(r"[1-9][0-9]*[bkmgBKMG]?")
_NGINX_SIZE = re.compile(r"[0-9]+[kKmMgG]?")
_USER_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_USER_NUMBERS = re.compile(r"\d+:\d+")
_URL_PATH = re.compile(r"/[^\s\"'\\;{}#]*")
_HOST_PATH = re.compile(r"[A-Za-z0-9._/-]+")
_SERVICE = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?")


def is_host_name(text: str) -> bool:
    """RFC 1123, lower case, two labels at least (or localhost); the last one is not a number, as in an address."""
    labels = text.split(".")
    if text == "localhost":
        return True
    return (
        len(text) <= 253
        and len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
    )


def is_wildcard(text: str) -> bool:
    """Every name one label below a domain, as certificates and Nginx have it."""
    return text.startswith("*.") and text != "*.localhost" and is_host_name(text[2:])


def is_docker_size(text: object) -> bool:
    """Such as 128m."""
    return bool(_DOCKER_SIZE.fullmatch(str(text)))


def is_nginx_size(text: object) -> bool:
    """Such as 20m, or 0."""
    return bool(_NGINX_SIZE.fullmatch(str(text)))


def is_service(text: object) -> bool:
    """The name of a service of Docker Compose, such as celery-beat."""
    return isinstance(text, str) and bool(_SERVICE.fullmatch(text))


def is_user_name(text: str) -> bool:
    """A user of a host."""
    return bool(_USER_NAME.fullmatch(text))


def is_user_and_group(text: str) -> bool:
    """Two numbers, such as 1000:1000."""
    return bool(_USER_NUMBERS.fullmatch(text))


def is_url_path(text: str) -> bool:
    """A path with or without a query, which can be quoted in a shell and in Nginx's configuration."""
    return bool(_URL_PATH.fullmatch(text))


def is_host_path(text: str) -> bool:
    """What a Compose file and Nginx's configuration take as a path, without quotes."""
    return bool(_HOST_PATH.fullmatch(text))
