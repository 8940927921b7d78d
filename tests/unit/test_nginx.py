# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Nginx is given of the host. The scenarios security and reuse ask a real one."""

from __future__ import annotations

import re

import yaml

from rendered import rendered


def test_no_link_is_followed_to_what_is_served() -> None:
    assert "\n    disable_symlinks on;\n" in rendered("nginx", "roles/nginx/templates/nginx.conf.j2", {})
    for kind in ("static", "media"):
        served = rendered("nginx", f"templates/nginx/{kind}.conf.j2", {})
        aliases = re.findall(rf"alias (\S+)/{kind}/;\n(?:#.*\n)*disable_symlinks on from=(\S+);", served)
        assert aliases == [("/srv/nginx/sites/shop",) * 2]


def test_it_sees_folders_of_what_it_serves_and_nothing_else() -> None:
    compose = yaml.safe_load(rendered("nginx", "roles/nginx/templates/compose.yaml.j2", {}))
    mounts = dict(mount.split(":", 1) for mount in compose["services"]["nginx"]["volumes"])
    assert mounts.pop("/srv/nginx/buffers") == "/var/cache/nginx"
    seen = ("conf", "conf.d", "upstreams", "keys", "acme", "sites")
    assert mounts == {f"/srv/nginx/{name}": f"/srv/nginx/{name}:ro" for name in seen}
    assert "volumes" not in compose["services"]["edge"]
