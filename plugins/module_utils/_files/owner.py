# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Give a folder that containers write to, and what is in it, to another user.

Private to this collection.
"""

from __future__ import annotations

import os

from ansible_collections.landfall.django.plugins.module_utils._files.walk import opened, reopened, walk


def hand_over(path: str | os.PathLike[str], uid: int, gid: int, mode: int) -> list[str]:
    """Give the folder to `uid` and `gid`, where it has another owner with all that is in it, and set its mode.

    Return what was left as it was, and why: links stay, so do devices, and files that may be somebody else's.
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
        # Last, since its owner tells whether all of this is done.
        os.fchown(top, uid, gid)
        os.fchmod(top, mode)
    return left
