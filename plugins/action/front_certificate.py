# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.landfall.django.plugins.module_utils._front import give_certificates
from ansible_collections.landfall.django.plugins.plugin_utils._direct import DirectAction


class ActionModule(DirectAction):
    """Give Nginx the certificates of its sites."""

    module = "front_certificate"
    work = "_front.give_certificates"
    spec = give_certificates.SPEC
