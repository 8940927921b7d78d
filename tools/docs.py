"""Writes the tables of variables in the roles' READMEs from their meta/argument_specs.yml.

Usage: docs.py [--check]    --check changes nothing, and fails where a README is not what would be written.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- variables -->", "<!-- /variables -->"
HEAD = "| variable | type | default | what it is |\n|---|---|---|---|\n"
Options = dict[str, dict[str, Any]]


def text(description: str | list[str]) -> str:
    """A description in Ansible's markup, as one table cell of Markdown."""
    joined = " ".join([description] if isinstance(description, str) else description)
    joined = re.sub(r"\b[CVOEP]\(((?:\\.|[^)\\])*)\)", lambda found: code(re.sub(r"\\(.)", r"\1", found[1])), joined)
    joined = re.sub(r"\bL\(([^,)]*),\s*([^)]*)\)", r"[\1](\2)", joined)
    joined = re.sub(r"\b[BI]\(([^)]*)\)", r"*\1*", joined)
    return re.sub(r"\s+", " ", joined).replace("|", "\\|").strip()


def code(value: str) -> str:
    return f"`` {value} ``" if "`" in value else f"`{value}`"


def default(option: dict[str, Any]) -> str:
    if option.get("required"):
        return "required"
    value = option.get("default")
    if value is None:
        return ""
    shown = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return code(re.sub(r"\s+", " ", shown).strip()).replace("|", "\\|")


def kind(option: dict[str, Any]) -> str:
    if "choices" in option:
        return ", ".join(code(str(choice)) for choice in option["choices"])
    name = option.get("type", "str")
    return f"{name} of {option['elements']}" if "elements" in option else str(name)


def rows(options: Options, within: str = "") -> Iterator[str]:
    for name, option in options.items():
        cells = (code(within + name), kind(option), default(option), text(option.get("description", "")))
        yield f"| {' | '.join(cells)} |\n"
        yield from rows(option.get("options", {}), f"{within}{name}.")


def tables(specs: dict[str, Any]) -> str:
    """One table for each entry point that has options."""
    found = []
    for entry, spec in specs.items():
        if spec.get("options"):
            heading = "" if entry == "main" else f"With `tasks_from: {entry}`:\n\n"
            found.append(heading + HEAD + "".join(rows(spec["options"])))
    return "\n".join(found)


def rewritten(readme: str, wanted: str) -> str:
    """The README with what is between the markers replaced; a section of its own, at the end, where it has none."""
    if wanted and BEGIN not in readme:
        readme = f"{readme.rstrip()}\n\n## Variables\n\n{BEGIN}\n{END}\n"
    before, begin, rest = readme.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    return f"{before}{BEGIN}\n{wanted}{END}{after}" if begin else readme


def stale(root: Path) -> Iterator[tuple[Path, str]]:
    """Each README that is not as it should be, with how it should be."""
    for specs in sorted(root.glob("roles/*/meta/argument_specs.yml")):
        role = specs.parent.parent
        readme = role / "README.md"
        present = readme.read_text(encoding="utf-8") if readme.is_file() else f"# {role.name}\n"
        wanted = rewritten(present, tables(yaml.safe_load(specs.read_text(encoding="utf-8"))["argument_specs"]))
        if wanted != present:
            yield readme, wanted


def main() -> int:
    check = "--check" in sys.argv[1:]
    found = list(stale(ROOT))
    for readme, wanted in found:
        name = readme.relative_to(ROOT)
        if check:
            print(f"{name} is not what meta/argument_specs.yml says: run `make docs`", file=sys.stderr)
        else:
            readme.write_text(wanted, encoding="utf-8")
            print(f"wrote {name}")
    return 1 if check and found else 0


if __name__ == "__main__":
    sys.exit(main())
