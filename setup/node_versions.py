"""A package that both Node parts of the checkout name, such as TypeScript, must have one version."""

from __future__ import annotations

import json
import sys

from tools import REPOSITORY

PARTS = ("auth", "web")


def declared(part: str) -> dict[str, str]:
    package = json.loads((REPOSITORY / part / "package.json").read_text())
    return {**package.get("dependencies", {}), **package.get("devDependencies", {})}


def main() -> None:
    first, second = map(declared, PARTS)
    different = [
        f"{name} is {first[name]} in {PARTS[0]}/ and {second[name]} in {PARTS[1]}/"
        for name in sorted(first.keys() & second.keys())
        if first[name] != second[name]
    ]
    if different:
        sys.exit("\n".join(different))
    shared = ", ".join(f"{name} {first[name]}" for name in sorted(first.keys() & second.keys()))
    print(f"  {shared}")


if __name__ == "__main__":
    main()
