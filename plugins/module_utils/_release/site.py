# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a release is told of its stack, and the error by which it says that it did not take place.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._database.engines import DEFAULT
from ansible_collections.landfall.django.plugins.module_utils._front.routes import Route


class ReleaseError(Exception):
    """The release did not take place; what served before serves on."""


@dataclass(frozen=True)
class Site:
    """The options of landfall.django.release that describe a release. They are part of its record, so that it can be
    rolled out again; an option that the record does not have yet has its default."""

    project_src: str
    project_name: str
    image: str
    image_id: str
    pulled: str = ""
    revision: str = ""
    database: str = DEFAULT
    database_external: bool = False
    database_extensions: tuple[str, ...] = ()
    web: str = "web"
    replicas: int = 1
    processes: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()
    port: int = 8000
    host: str = "localhost"
    health_path: str = "/health/"
    health_timeout: int = 60
    drain_timeout: int = 60
    stop_timeout: int = 300
    front_root: str = ""
    front_network: str = ""
    front_port: int = 443
    manage_command: str = "python3 manage.py"
    migrate_command: str = "python3 manage.py migrate --noinput"
    migration_dump: bool = True
    migration_policy: str = field(default="warn", metadata={"choices": ["warn", "safe"]})
    before_migrate: tuple[str, ...] = ()
    after_migrate: tuple[str, ...] = ()
    after_switch: tuple[str, ...] = ()
    check_level: str = "ERROR"
    static_release: str = ""
    static_in_image: bool = False
    static_dest: str = ""
    static_url: str = "/static/"
    static_elsewhere: bool = False
    media_url: str = "/media/"
    routes: tuple[Mapping[str, Any], ...] = ()
    secret_files: str = field(default="", metadata={"no_log": False})
    releases_kept: int = 5

    @property
    def urls(self) -> dict[str, str]:
        """The paths of the files that Nginx serves itself, by their kind."""
        return {"static": self.static_url, "media": self.media_url}

    @property
    def routed(self) -> list[Route]:
        """The routes to other processes than web."""
        return [Route(**route) for route in self.routes]

    @property
    def visited(self) -> set[str]:
        """The services that Nginx sends requests to."""
        return {self.web, *(route.process for route in self.routed)}

    @property
    def stop_limit(self) -> int:
        """Seconds that Docker may take to stop a container: its stop_grace_period, and some."""
        return max(600, self.stop_timeout + 60)

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Site:
        """Take the fields out of module options, or of what a record has of them."""
        values: dict[str, Any] = {}
        for one in fields(cls):
            if one.name in options:
                value = options[one.name]
                values[one.name] = tuple(value) if isinstance(value, list) else value
        return cls(**values)

    @classmethod
    def is_whole(cls, options: Mapping[str, Any]) -> bool:
        """Whether `of` can be asked: whether all is there that has no default."""
        return all(one.name in options for one in fields(cls) if one.default is MISSING)
