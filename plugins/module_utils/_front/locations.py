# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The URLs of a site's static files and uploads, which only the project's settings tell, and of its routes.

How Nginx serves them is in the files `static` and `media` of the role nginx. Private to this collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.landfall.django.plugins.module_utils._front.routes import Route, location

_LOCATION = """location {url} {{
    include {root}/conf.d/{site}.{kind};
}}
"""


def locations(root: str, site: str, urls: Mapping[str, str], routes: Iterable[Route] = ()) -> str:
    """Return the file of `site`. `urls` are paths by kind, `static` or `media`; an empty one is not served."""
    served = "".join(_LOCATION.format(url=urls[kind], root=root, site=site, kind=kind) for kind in urls if urls[kind])
    routed = "".join(location(site, route) for route in routes)
    return f"# Written by landfall.django.release: changes here are lost.\n{served}{routed}"
