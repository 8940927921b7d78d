# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.landfall.django.plugins.module_utils._project import ask_settings
from ansible_collections.landfall.django.plugins.plugin_utils._direct import DirectAction


class ActionModule(DirectAction):
    """Ask a project's settings what they say."""

    module = "project_profile"
    work = "_project.ask_settings"
    spec = ask_settings.SPEC
