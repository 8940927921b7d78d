# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The routes of the release that serves, and how each answers through Nginx.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ansible_collections.landfall.django.plugins.module_utils._front.routes import Route

COLUMNS = ("route", "url", "process", "port", "answer")
# By which Nginx says that it reaches nobody.
_NOBODY = ("502", "504", "none")
Row = dict[str, str]


def rows(routes: Iterable[Route], domain: str, ask: Callable[[str, str], int]) -> list[Row]:
    """Return one row per route. `ask` returns the status for a host name and a path, or raises OSError."""
    return [_row(route, route.domain or domain, route.path or "/", ask) for route in routes]


def problems(found: Iterable[Row]) -> list[str]:
    """Return one sentence for each route that nobody answers."""
    return [
        f"route {row['route']}: {row['url']} answers {row['answer']}: see whether {row['process']} listens on port"
        f" {row['port']} of all addresses."
        for row in found
        if row["answer"] in _NOBODY
    ]


def _row(route: Route, host: str, path: str, ask: Callable[[str, str], int]) -> Row:
    try:
        answer = str(ask(host, path))
    except OSError:
        answer = "none"
    url = f"https://{host}{path}"
    return {"route": route.name, "url": url, "process": route.process, "port": str(route.port), "answer": answer}
