#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: project_profile
short_description: Ask a project's settings what they say
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Runs the project's own C(manage.py) up to its settings, in one throwaway container of the image, with the stack's
    environment, past the entry point, without network, database or mounted files. Returns what Django says.
  - Fails with the last telling line and the cure where the settings cannot be loaded.
extends_documentation_fragment:
  - landfall.django._attributes.read_only
  - landfall.django._attributes.direct
options:
  image:
    description: Name of the image.
    type: str
    required: true
  key:
    description: What the answer depends on, from P(landfall.django.profile_key#filter).
    type: str
    required: true
  cache:
    description: File that keeps the answer, so that nothing is asked again with the same O(key). Empty keeps none.
    type: str
    default: ""
  environment:
    description: Content of the stack's C(.env).
    type: str
    required: true
  files:
    description: The secret files of the project, by name, which the container has in C(/run/secrets).
    type: dict
    default: {}
  user:
    description: User and group of the project's containers.
    type: str
    required: true
  manage_command:
    description: How to run Django's commands in the image.
    type: str
    default: python3 manage.py
  web_command:
    description: Command of the web process, which tells whether the server believes the front's C(X-Forwarded-Proto).
    type: str
    default: ""
  celery_app:
    description: The Celery application, whose broker is asked for. Empty for none.
    type: str
    default: ""
  domains:
    description: Host names of the site.
    type: list
    elements: str
    default: []
  writable:
    description: Folders of the container that are mounted in a release. Here they are empty and in memory.
    type: list
    elements: str
    default: []
  service:
    description: What the stack's Compose override says of the service C(web).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Ask the project's settings
  landfall.django.project_profile:
    image: shop:3f9c2ab41d07
    key: "{{ ['shop:3f9c2ab41d07', lookup('ansible.builtin.file', '.env')] | landfall.django.profile_key }}"
    environment: "{{ lookup('ansible.builtin.file', '.env') }}"
    user: "10001:10001"
    domains: [shop.example.com]
  register: project
"""

RETURN = r"""
profile:
  description: What the settings say. No password is in it.
  type: dict
  returned: success
  contains:
    debug:
      description: Whether DEBUG is on.
      type: bool
    refused_hosts:
      description: Those of O(domains) that ALLOWED_HOSTS lacks.
      type: list
      elements: str
    secure:
      description: Whether a visitor's request counts as one over HTTPS.
      type: bool
    static_root:
      description: STATIC_ROOT as an absolute path, or empty. There are C(static_url), C(media_root) and C(media_url),
        too.
      type: str
    static_elsewhere:
      description: Whether the storage of static files has no folder, as a bucket has none. There is C(media_elsewhere),
        too.
      type: bool
    static_location:
      description: Path at which Nginx can serve the static files, or empty. There is C(media_location), too.
      type: str
    collects:
      description: Whether C(django.contrib.staticfiles) is installed.
      type: bool
    database:
      description: Engine, vendor, host, port and name of the default database.
      type: dict
    redis:
      description: Host, port and database number of each cache and each queue in Redis.
      type: dict
    health_path:
      description: The project's health page, or its front page if it has none.
      type: str
    note:
      description: What the owner of a project without a known health page should know. Empty otherwise.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._project.ask_settings import SPEC, result
from ansible_collections.landfall.django.plugins.module_utils._secrets.hidden import texts


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    given = {**module.params, "files": texts(module, "files")}
    answer = result(given, module.check_mode)
    (module.fail_json if answer.get("failed") else module.exit_json)(**answer)


if __name__ == "__main__":
    main()
