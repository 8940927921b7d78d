# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.landfall.django.plugins.module_utils._front import start
from ansible_collections.landfall.django.plugins.plugin_utils._direct import DirectAction


class ActionModule(DirectAction):
    """Start or update the front."""

    module = "front"
    work = "_front.start"
    spec = start.SPEC
    _supports_check_mode = False
