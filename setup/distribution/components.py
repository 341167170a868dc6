"""The components of a release: crates, npm packages and prebuilt parts, with their licences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from distribution.accounts import hexadecimal
from report import give_up
from tools import REPOSITORY, output_of

LICENCE_FILES = re.compile(r"(licen[cs]e|copying|notice|unlicense|third.?party)", re.IGNORECASE)
LARGEST_TEXT_BYTES = 1 << 20


@dataclass(frozen=True)
class Component:
    name: str
    version: str
    purl: str
    # An SPDX expression, or words where the component has none.
    licence: str
    # Algorithm as CycloneDX names it, and the hash in hexadecimal.
    hashes: tuple[tuple[str, str], ...] = ()
    texts: tuple[str, ...] = ()
    # Package URLs.
    depends_on: tuple[str, ...] = field(default=(), compare=False)


def licence_texts(folder: Path, with_sources: bool = False) -> tuple[str, ...]:
    """The licence files directly in a folder, or also in the folders of C sources in it."""
    places = [folder, *(entry for entry in folder.iterdir() if entry.is_dir())] if with_sources else [folder]
    files = sorted(path for place in places for path in place.iterdir() if path.is_file() and LICENCE_FILES.match(path.name))
    small = [path for path in files if path.stat().st_size <= LARGEST_TEXT_BYTES and path.suffix not in (".rs", ".js")]
    return tuple(path.read_text(errors="replace").strip() for path in small)


def crates(target: str) -> list[Component]:
    """The crates in the program `colloquy`, without those that only build or test it."""
    command = ["cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={target}"]
    metadata = json.loads(output_of(*command) or give_up("cargo metadata failed"))
    packages = {package["id"]: package for package in metadata["packages"]}
    normal = {node["id"]: normal_dependencies(node) for node in metadata["resolve"]["nodes"]}
    reached, waiting = set[str](), [metadata["resolve"]["root"]]
    while waiting:
        if (crate := waiting.pop()) not in reached:
            reached.add(crate)
            waiting.extend(normal[crate])
    checksums = checksums_of_the_lock_file()
    used = [packages[crate] for crate in reached if packages[crate]["source"]]
    return sorted((crate_component(package, packages, normal, checksums) for package in used), key=order)


def standard_library() -> Component:
    """Rust's standard library, which is in the program too."""
    version = output_of("rustc", "--version").split()[1]
    folder = Path(output_of("rustc", "--print", "sysroot").strip()) / "share" / "doc" / "rust"
    texts = licence_texts(folder) if folder.is_dir() else ()
    return Component("rust-std", version, f"pkg:generic/rust-std@{version}", "MIT OR Apache-2.0", (), texts)


def normal_dependencies(node: dict) -> list[str]:
    return [dep["pkg"] for dep in node["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])]


def crate_component(package: dict, packages: dict, normal: dict, checksums: dict[str, str]) -> Component:
    name, version = package["name"], package["version"]
    checksum = checksums.get(f"{name} {version}")
    # Old manifests separate alternatives by a slash.
    licence = re.sub(r"\s*/\s*", " OR ", package["license"] or f"see the file {package['license_file']}")
    return Component(
        name,
        version,
        crate_url(package),
        licence,
        (("SHA-256", checksum),) if checksum else (),
        licence_texts(Path(package["manifest_path"]).parent, with_sources=name.endswith(("-sys", "_sys"))),
        tuple(sorted(crate_url(packages[dep]) for dep in normal[package["id"]])),
    )


def crate_url(package: dict) -> str:
    return f"pkg:cargo/{package['name']}@{package['version']}"


def checksums_of_the_lock_file() -> dict[str, str]:
    blocks = (REPOSITORY / "Cargo.lock").read_text().split("[[package]]")[1:]
    fields = [dict(re.findall(r'^(\w+) = "(.*)"$', block, re.M)) for block in blocks]
    return {f"{block['name']} {block['version']}": block["checksum"] for block in fields if "checksum" in block}


def npm_packages(part: str, folders: set[str] | None) -> list[Component]:
    """The npm packages of `auth/` or `web/` in these folders, or else all that are not only for development."""
    root = REPOSITORY / part
    locked = json.loads((root / "package-lock.json").read_text())["packages"]
    chosen = folders if folders is not None else {path for path, entry in locked.items() if path and not entry.get("dev")}
    installed = [path for path in chosen if (root / path / "package.json").is_file()]
    return sorted((npm_component(root / path, locked[path]) for path in installed), key=order)


def npm_component(folder: Path, locked: dict) -> Component:
    package = json.loads((folder / "package.json").read_text())
    name, version = package["name"], package["version"]
    licence = package.get("license") or "none named"
    integrity = locked.get("integrity", "")
    hashes = (("SHA-512", hexadecimal(integrity)),) if integrity.startswith("sha512-") else ()
    url = f"pkg:npm/{name.replace('@', '%40')}@{version}"
    return Component(name, version, url, licence if isinstance(licence, str) else licence["type"], hashes, licence_texts(folder))


def order(component: Component) -> tuple[str, str]:
    return component.name, component.version


def licence_list(title: str, components: Iterable[Component]) -> str:
    """The licences of components, and each licence text once with the components that it came with."""
    components = list(components)
    lines = [title, "=" * len(title), "", *(f"{c.name} {c.version}: {c.licence}" for c in components), ""]
    texts: dict[str, list[str]] = {}
    for component in components:
        for text in component.texts or ("(These packages have no licence file: the list above has the licences that they name.)",):
            texts.setdefault(text, []).append(f"{component.name} {component.version}")
    for text, names in sorted(texts.items(), key=lambda item: item[1]):
        lines += ["-" * 80, f"Of {', '.join(names)}:", "", text, ""]
    return "\n".join(lines)
