# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible's own way to find collections, before a test imports one of ours in another: else no template knows them."""

from __future__ import annotations

from rendered import know_plugins

know_plugins()
