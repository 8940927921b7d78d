# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that are documented, specified and recorded in several places are the same in all of them."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.landfall.django.plugins.doc_fragments._project import ModuleDocFragment
from ansible_collections.landfall.django.plugins.module_utils import _options
from ansible_collections.landfall.django.plugins.module_utils._release.site import Site
from ansible_collections.landfall.django.plugins.modules import release


def without_descriptions(documentation: str) -> dict[str, dict[str, object]]:
    options = yaml.safe_load(documentation)["options"]
    return {name: {key: value[key] for key in value if key != "description"} for name, value in options.items()}


def test_the_module_release_documents_what_a_record_holds() -> None:
    documented = without_descriptions(release.DOCUMENTATION)
    for fragment in yaml.safe_load(release.DOCUMENTATION)["extends_documentation_fragment"]:
        if fragment.startswith("landfall.django._project"):
            documented |= without_descriptions(getattr(ModuleDocFragment, fragment.rpartition(".")[2].upper()))
    # What Ansible logs is no part of the documentation.
    spec = {
        name: {key: value for key, value in option.items() if key != "no_log"}
        for name, option in _options.spec_of(Site, paths=["project_src"], required=["front_network"]).items()
    }
    assert {name: documented.get(name) for name in spec} == spec


@pytest.mark.parametrize("name", ["NAME", "BY", "FRONT", "MANAGE", "OWNERS"])
def test_a_fragment_documents_its_spec(name: str) -> None:
    assert without_descriptions(getattr(ModuleDocFragment, name)) == getattr(_options, name)


def test_the_default_fragment_documents_its_spec() -> None:
    assert without_descriptions(ModuleDocFragment.DOCUMENTATION) == _options.PROJECT
