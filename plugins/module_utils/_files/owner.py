# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Change the owner of a folder that containers write to, with everything in it.

Private to this collection.
"""

from __future__ import annotations

import os

from ansible_collections.landfall.django.plugins.module_utils._files.walk import opened, reopened, walk


def hand_over(path: str | os.PathLike[str], uid: int, gid: int, mode: int) -> list[str]:
    """Change the owner and mode of a folder; where its owner differs, the owner of everything in it too.

    Return the paths that were left unchanged, with the reason: links, devices, and files that may belong to another
    user.
    """
    left = []
    with opened(path) as top:
        former = os.fstat(top).st_uid
        for item in walk(top) if former != uid else ():
            refusal = item.refusal(former)
            if refusal:
                left.append(f"{item.path!r} ({refusal})")
            else:
                os.chown(reopened(item.pin), uid, gid)
        # Last: the folder's owner says that its content is done.
        os.fchown(top, uid, gid)
        os.fchmod(top, mode)
    return left
