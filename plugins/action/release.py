# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.landfall.django.plugins.module_utils._release import deploy
from ansible_collections.landfall.django.plugins.plugin_utils._direct import DirectAction


class ActionModule(DirectAction):
    """Bring a new release of a stack into service."""

    module = "release"
    work = "_release.deploy"
    spec = deploy.SPEC
