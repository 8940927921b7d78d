# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The URLs of a site's files. tests/lab/test_site.py asks a real Nginx."""

from __future__ import annotations

from ansible_collections.landfall.django.plugins.module_utils._front.locations import locations


def test_each_kind_has_its_url():
    text = locations("/srv/nginx", "shop", {"static": "/assets/", "media": "/u/"})
    assert "location /assets/ {\n    include /srv/nginx/conf.d/shop.static;\n}" in text
    assert "location /u/ {\n    include /srv/nginx/conf.d/shop.media;\n}" in text


def test_without_a_url_nothing_is_served():
    assert "location" not in locations("/srv/nginx", "shop", {"static": "", "media": ""})
