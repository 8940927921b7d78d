# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remove old releases, static files and images that no rollback needs any more.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, docker
from ansible_collections.landfall.django.plugins.module_utils._project.secret_files import SecretFiles
from ansible_collections.landfall.django.plugins.module_utils._release import static
from ansible_collections.landfall.django.plugins.module_utils._release.ledger import Ledger, kept, with_dumps
from ansible_collections.landfall.django.plugins.module_utils._release.record import Record
from ansible_collections.landfall.django.plugins.module_utils._release.site import Site


def tidy(site: Site, ledger: Ledger) -> list[str]:
    """Keep what the last releases need, and remove the rest. Return what could not be removed, as warnings."""
    try:
        records = ledger.read()
        keep = kept(records, site.releases_kept)
        ledger.prune([record.release for record in keep], with_dumps(records, keep))
        if site.static_release:
            names = {str(record.site.get("static_release")) for record in keep}
            static.remove_unused(Path(site.project_src) / "static", names, Path(site.static_dest))
        SecretFiles(Path(site.project_src)).remove_unused({str(record.site.get("secret_files")) for record in keep})
        # By name, not by id: each stack has its own names, and another stack may use the same image.
        present = set(docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split())
        for name in sorted((_images(records) - _images(keep)) & present):
            docker("image", "rm", name)
        docker("image", "prune", "--force", "--filter", f"label=landfall.stack={site.project_name}")
    except (DockerError, OSError, LookupError, ValueError) as error:
        return [f"the release serves, but old files or images could not be removed: {error}"]
    return []


def _images(records: Iterable[Record]) -> set[str]:
    return {str(record.site.get(name)) for record in records for name in ("image", "pulled")}
