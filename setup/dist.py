"""Builds a release: `dist/colloquy-<version>-<target>.tar.gz`, whose bytes depend on the sources alone.

    setup/dist.py [--into DIR] [--target-dir DIR]

`COLLOQUY_BINARY` names a compiled program to take in place of compiling one, `SOURCE_DATE_EPOCH` the time of all files
(default: that of the commit). `docs/installing.md` describes what is in the archive.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import page
import tools
from distribution import accounts, archive, components, parts, program, sbom
from report import give_up, say
from tools import REPOSITORY

SHELLS = {"bash": "colloquy.bash", "zsh": "_colloquy", "fish": "colloquy.fish"}


class Release:
    """A folder that is filled with the files of a release."""

    def __init__(self, folder: Path, temporary: Path, target: str) -> None:
        self.folder, self.temporary, self.target = folder, temporary, target
        self.version = version()
        self.time = program.time_of_sources()
        for name in ("bin", "lib", "share/man/man1", "share/completions", "sbom", "licences"):
            (folder / name).mkdir(parents=True)

    def add_program(self, binary: Path) -> None:
        colloquy = self.folder / "bin" / "colloquy"
        shutil.copy(binary, colloquy)
        colloquy.chmod(0o755)
        for shell, name in SHELLS.items():
            (self.folder / "share/completions" / name).write_text(self.said("completions", shell))
        self.said("man", str(self.folder / "share/man/man1"))
        build = json.loads(self.said("version", "--json"))
        release = {**build, "target": self.target, "time": self.time}
        (self.folder / "release.json").write_text(json.dumps(release, indent=2, sort_keys=True) + "\n")

    def said(self, *arguments: str) -> str:
        """What the program of the release prints. It knows nothing of the release: the pages name no folder."""
        command = [self.folder / "bin" / "colloquy", *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env={"PATH": os.environ["PATH"]})
        if done.returncode != 0:
            give_up(f"`colloquy {' '.join(arguments)}` ended with exit status {done.returncode}")
        return done.stdout

    def add_files(self) -> None:
        share = self.folder / "share"
        parts.copy_runtime(self.folder / "lib", share)
        parts.copy_node(self.folder / "lib")
        shutil.copytree(page.PAGE / "dist", share / "page")
        shutil.copytree(REPOSITORY / "prompts", share / "prompts")
        shutil.copytree(REPOSITORY / "deploy" / "systemd", share / "systemd")
        shutil.copyfile(REPOSITORY / "docs" / "installing.md", self.folder / "INSTALL.md")

    def add_components(self) -> None:
        """Bundles the account service, and writes the bills of materials and the licences of everything."""
        bundled = accounts.bundle(self.folder / "lib" / "accounts.mjs", self.temporary)
        of = {
            "colloquy": [components.standard_library(), *components.crates(self.target), *parts.runtime_components()],
            "accounts": [*components.npm_packages("auth", bundled), parts.node_component()],
            "page": components.npm_packages("web", None),
        }
        for name, found in of.items():
            bill = sbom.bill(f"colloquy-{name}" if name != "colloquy" else name, self.version, self.time, found)
            (self.folder / "sbom" / f"{name}.cdx.json").write_text(bill)
            licences = components.licence_list(f"Licences of the components of {name}", found)
            (self.folder / "licences" / f"{name}.txt").write_text(licences)
        say(", ".join(f"{len(found)} components of {name}" for name, found in of.items()))


def version() -> str:
    manifest = (REPOSITORY / "Cargo.toml").read_text()
    found = re.search(r'^\[workspace\.package\]\nversion = "(.+)"$', manifest, re.M)
    return found.group(1) if found else give_up("Cargo.toml has no version")


def build(into: Path, target_folder: Path) -> Path:
    """Builds the archive, and returns its place."""
    binary = program.build(target_folder)
    target = program.host()
    name = f"colloquy-{version()}-{target}"
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=into) as temporary:
        folder = Path(temporary) / name
        release = Release(folder, Path(temporary), target)
        release.add_program(binary)
        release.add_files()
        release.add_components()
        (folder / "SHA256SUMS").write_text(archive.checksums(folder))
        say("packing")
        packed = Path(temporary) / f"{name}.tar.gz"
        archive.pack(folder, packed, release.time)
        place = into / packed.name
        packed.replace(place)
    (into / f"{place.name}.sha256").write_text(f"{archive.sha256(place)}  {place.name}\n")
    return place


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds a release of Colloquy.")
    parser.add_argument("--into", type=Path, default=REPOSITORY / "dist", help="folder of the archive")
    default = Path(os.environ.get("CARGO_TARGET_DIR") or REPOSITORY / "target") / "dist"
    parser.add_argument("--target-dir", type=Path, default=default, help="folder of compiled crates")
    arguments = parser.parse_args()
    tools.require_tools()
    page.install_packages()
    page.build()
    place = build(arguments.into.resolve(), arguments.target_dir.resolve())
    say(f"{place.stat().st_size / 1e6:.0f} MB, SHA-256 {archive.sha256(place)}")
    print(place)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
