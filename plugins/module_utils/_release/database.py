# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a release asks of the stack's own database server, besides migrations.

Private to this collection.
"""

from __future__ import annotations

from ansible_collections.landfall.django.plugins.module_utils._database.engines import by_name
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError, Site


def server_of(site: Site, compose: Compose) -> Server:
    """Return the stack's own server, which is reached by the service in the files of `compose`."""
    command = [*compose.view(), "docker", "compose", "--project-directory", compose.root]
    return Server(command, by_name(site.database))


def install_extensions(site: Site, server: Server) -> None:
    """Install the extensions of stack_database_extensions that are missing. Raises ReleaseError."""
    if not site.database_extensions:
        return
    schema = server.schema()
    for name in site.database_extensions:
        _install(server, schema, name)


def _install(server: Server, schema: str, name: str) -> None:
    try:
        server.query(server.engine.create_extension(name), schema)
    except DockerError as error:
        raise ReleaseError(
            f"stack_database_extensions: {name} could not be installed. If the image does not have it, set"
            f" stack_database_image to one that has it: {error}"
        ) from error


def collation_warnings(server: Server) -> list[str]:
    """Return what to do where a new image sorts texts in another way than the one that made the indexes."""
    query = server.engine.select_outdated_collation()
    if not query:
        return []
    schema = server.schema()
    return [server.engine.outdated_collation(schema, row) for row in server.query(query, schema).splitlines()]
