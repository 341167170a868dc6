"""The archive of a release is complete: sums, versions, pages, units, and bills of materials that fit CycloneDX."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import built
from distribution import archive
from packages import packages
from tools import REPOSITORY

EXPECTED = [
    "INSTALL.md",
    "bin/colloquy",
    "lib/accounts.mjs",
    "lib/libonnxruntime.so",
    "lib/libpdfium.so",
    "lib/node",
    "release.json",
    "sbom/colloquy.cdx.json",
    "share/completions/_colloquy",
    "share/completions/colloquy.bash",
    "share/completions/colloquy.fish",
    "share/man/man1/colloquy.1",
    "share/man/man1/colloquy-serve.1",
    "share/model/model.onnx",
    "share/model/pieces.bin",
    "share/model-minilm/model.onnx",
    "share/page/index.html",
    "share/prompts/answer.v1.system.md",
    "share/systemd/colloquy.service",
]
# Folders of a machine that builds.
FOLDERS = re.compile(rb"/(?:root|home/[a-z]+)/\.cargo/registry|/(?:root|home/[a-z]+)/\.rustup")
# Of a unit, as `systemd-analyze security` counts: 10 is worst.
MOST_EXPOSURE = 20


def check_sums(folder: Path) -> None:
    named = dict(reversed(line.split("  ", 1)) for line in (folder / "SHA256SUMS").read_text().splitlines())
    real = {str(path.relative_to(folder)): archive.sha256(path) for path in archive.files(folder)}
    real.pop("SHA256SUMS")
    if named != real:
        sys.exit("SHA256SUMS does not fit the files")
    if missing := [name for name in EXPECTED if name not in real]:
        sys.exit(f"files are missing: {', '.join(missing)}")
    print(f"  {len(real)} files, {sum(path.stat().st_size for path in archive.files(folder)) / 1e6:.0f} MB unpacked")


def check_program(folder: Path) -> None:
    done = subprocess.run([folder / "bin/colloquy", "version", "--json"], stdout=subprocess.PIPE, check=True, env={})
    version, release = json.loads(done.stdout), json.loads((folder / "release.json").read_text())
    if any(release[name] != value for name, value in version.items()):
        sys.exit(f"release.json does not fit the program: {release}, {version}")
    found = set(FOLDERS.findall((folder / "bin/colloquy").read_bytes()))
    if found and "COLLOQUY_BINARY" not in os.environ and "COLLOQUY_ARCHIVE" not in os.environ:
        sys.exit(f"the program names folders of the machine that built it: {found}")
    print(f"  {done.stdout.decode().strip()}")


def check_bills(folder: Path) -> None:
    sys.path.insert(0, str(packages("release", REPOSITORY / "setup" / "release" / "requirements.txt")))
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    for bill in sorted((folder / "sbom").iterdir()):
        text = bill.read_text()
        if problem := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
            sys.exit(f"{bill.name} does not fit CycloneDX 1.6: {problem}")
        components = json.loads(text)["components"]
        licences = (folder / "licences" / f"{bill.name.removesuffix('.cdx.json')}.txt").read_text()
        without = [part["name"] for part in components if f"\n{part['name']} {part['version']}: " not in licences]
        if without:
            sys.exit(f"components of {bill.name} without a licence: {', '.join(without)}")
        print(f"  {bill.name}: {len(components)} components")


def check_units(folder: Path) -> None:
    """Checks the units with their programs where the release is unpacked."""
    if subprocess.run(["systemd-analyze", "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
        print("  the units are not checked: systemd-analyze is missing")
        return
    with tempfile.TemporaryDirectory() as units:
        places = []
        for unit in sorted((folder / "share/systemd").glob("*.service")):
            places.append(Path(units) / unit.name)
            places[-1].write_text(unit.read_text().replace("/opt/colloquy", str(folder)))
        verified = subprocess.run(["systemd-analyze", "verify", *places], stderr=subprocess.PIPE, text=True)
        # Units of the machine itself may be at fault too.
        about = [line for line in verified.stderr.splitlines() if "colloquy" in line]
        if about:
            sys.exit("\n".join(about))
        for place in places:
            command = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSURE}", "--no-pager", place]
            rated = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            overall = next((line for line in rated.stdout.splitlines() if "Overall exposure" in line), rated.stdout)
            print(f"  {place.name}: {overall.strip('→ ')}")
            if rated.returncode != 0:
                sys.exit(rated.stdout)


def main() -> None:
    place = built.archive()
    with tempfile.TemporaryDirectory() as temporary, tarfile.open(place) as packed:
        packed.extractall(temporary)
        (folder,) = Path(temporary).iterdir()
        print(f"  {place.name}: {place.stat().st_size / 1e6:.0f} MB")
        check_sums(folder)
        check_program(folder)
        check_bills(folder)
        check_units(folder)


if __name__ == "__main__":
    main()
