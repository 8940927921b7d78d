# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.landfall.django.plugins.module_utils._release import go_back
from ansible_collections.landfall.django.plugins.plugin_utils._direct import DirectAction


class ActionModule(DirectAction):
    """Roll a stack back to an earlier release."""

    module = "rollback"
    work = "_release.go_back"
    spec = go_back.SPEC
