# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a release asks of the stack's database, besides migrations.

Private to this collection.
"""

from __future__ import annotations

from ansible_collections.landfall.django.plugins.module_utils._database.engines import by_name
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose
from ansible_collections.landfall.django.plugins.module_utils._release import ledger
from ansible_collections.landfall.django.plugins.module_utils._release.ledger import Ledger
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError, Site


def server_of(site: Site, compose: Compose) -> Server:
    """Return the server of a stack, which is reached through a service in the files of `compose`."""
    command = [*compose.view(), "docker", "compose", "--project-directory", compose.root]
    return Server(command, by_name(site.database, site.database_external))


def refuse_another_engine(site: Site, releases: Ledger) -> None:
    """Raise ReleaseError where the data of the release that serves is in a database of another kind."""
    last = ledger.serving(releases.read())
    former = Site.of(last.site).database if last else site.database
    if former != site.database:
        raise ReleaseError(
            f"stack_database: the data of this stack is in {former}, and {site.database} would start without it. Set"
            f" stack_database to {former}, or deploy a second stack and move the data there (see docs/databases.md)"
        )


def check_external(server: Server) -> None:
    """Raise ReleaseError where an external server cannot be dumped or migrated. `migrate` is about to run."""
    engine, schema = server.engine, server.schema()
    found, client = server.contents(schema).version, server.client_version()
    if engine.series(found) != engine.series(client):
        raise ReleaseError(
            f"stack_database_image: the database is {engine.title} {found}, and only the programs of its own version"
            f" dump it safely, but the image has {client}. Set stack_database_image to version {engine.series(found)}"
        )
    try:
        server.query(engine.try_rights(), schema)
    except DockerError as error:
        raise ReleaseError(
            "stack_database_user: it may not create, change and drop tables, which migrations do. Grant it these rights"
            f" in {schema}: {error}"
        ) from error


def prepare(site: Site, compose: Compose, *, was_replaced: bool) -> list[str]:
    """Bring the stack's own database to what the release needs, and return warnings. Raises ReleaseError."""
    if site.database_external or not site.database:
        return []
    server = server_of(site, compose)
    install_extensions(site, server)
    return collation_warnings(server) if was_replaced else []


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
