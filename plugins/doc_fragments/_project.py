# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that several modules share; their specs are in module_utils/_options.py.

Private to this collection.
"""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  project_src:
    description: Folder of the stack.
    type: path
    required: true
"""

    NAME = r"""
options:
  project_name:
    description: Name of the stack, which is also the name of its Compose project.
    type: str
    required: true
"""

    BY = r"""
options:
  by:
    description: Who runs the module. Other runs show it while this one holds the stack's lock, and so does the ledger.
    type: str
    default: ""
"""

    FRONT = r"""
options:
  front_root:
    description: Folder of the front's files, as created by the role P(landfall.django.nginx#role). Empty for no front.
    type: str
    default: ""
  front_network:
    description: Network on which the front reaches the stack.
    type: str
    required: true
"""

    MANAGE = r"""
options:
  manage_command:
    description: Command that runs Django's C(manage.py) in the project's image. Empty where the project has none.
    type: str
    default: python3 manage.py
"""

    OWNERS = r"""
options:
  owners:
    description:
      - Uids of the containers C(db) and C(redis), which read their secrets.
      - Where a container exists, the user that it runs as counts, until the release replaces it.
    type: dict
    default: {db: 10002, redis: 10003}
"""
