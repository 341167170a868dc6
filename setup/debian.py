"""A Debian root without a compiler, made by debootstrap and kept in the cache, and programs that run in a root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cache
from report import give_up, not_here, say
from tools import apt_install

SUITE = "bookworm"
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
LINES_OF_A_LOG = 30
# Programs that a machine for running has not.
BUILD_TOOLS = ("cc", "gcc", "g++", "clang", "ld", "make", "rustc", "cargo", "node", "npm", "python3")


def require(*packages: str, programs: tuple[str, ...] = ()) -> None:
    """Installs packages whose programs are missing; ends the check where it cannot."""
    if os.geteuid() != 0:
        not_here("needs root, for chroot and mounts (run make test-release as root)")
    if not all(shutil.which(program) for program in programs or packages) and not apt_install(list(packages)):
        not_here(f"apt cannot install {', '.join(packages)}")


def bare_root() -> Path:
    """The folder of a minimal Debian with certificates; made if it does not exist. Nobody may change it."""

    def fill(whole: Path, _: Path) -> None:
        say(f"making a root of Debian {SUITE} by debootstrap")
        command = ["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(whole), MIRROR]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            print("\n".join(done.stdout.splitlines()[-20:]), file=sys.stderr)
            give_up("debootstrap failed (see above)")
        for folder in ("var/cache/apt/archives", "var/lib/apt/lists"):
            shutil.rmtree(whole / folder)
            (whole / folder).mkdir()

    # Not through the cache's own file modes, which would take set-user-id bits away.
    place = cache.root() / f"debian-{SUITE}-{cache.architecture()}"
    if not place.is_dir():
        cache.root().mkdir(parents=True, exist_ok=True)
        whole = place.with_suffix(".new")
        shutil.rmtree(whole, ignore_errors=True)
        whole.mkdir()
        fill(whole, whole)
        whole.chmod(0o755)
        whole.rename(place)
    return place


def copy(root: Path, into: Path) -> None:
    subprocess.run(["cp", "-a", "--reflink=auto", f"{root}/.", str(into)], check=True)


class Confined:
    """A program in a root, as another user, with process ids and mounts of its own and the network of the machine."""

    def __init__(self, root: Path, command: list[str], variables: dict[str, str], log: Path, writable: dict[str, str] | None = None) -> None:
        """`writable` gives in-memory folders and their modes; with it, everything else is read-only."""
        steps = ["set -e"]
        if writable is not None:
            steps += [f"mount --bind {root} {root}", f"mount -o remount,bind,ro {root}"]
            for folder, mode in writable.items():
                steps.append(f"mount -t tmpfs -o mode={mode},uid=65532,gid=65532 tmpfs {root}{folder}")
        if (root / "dev").is_dir():
            steps.append(f"mount --rbind /dev {root}/dev")
        if (root / "proc").is_dir():
            steps.append(f"mount -t proc proc {root}/proc")
        steps.append('exec env -i "$@"')
        named = [f"{name}={value}" for name, value in variables.items()]
        script = ["sh", "-c", "\n".join(steps), "sh", *named, "/usr/sbin/chroot", "--userspec=65532:65532", str(root), *command]
        unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", *script]
        self.log = log
        with log.open("w") as opened:
            self.process = subprocess.Popen(unshare, stdout=opened, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def ids(self) -> list[int]:
        """The program's process and those that it has started."""
        return descendants(self.process.pid)

    def program(self) -> int | None:
        """The process of the program itself, which is the first of its process ids."""
        ids = self.ids()
        return ids[0] if ids else None

    def require_running(self) -> None:
        if self.process.poll() is not None:
            sys.exit(f"the program ended with {self.process.returncode}:\n{self.text()}")

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def __enter__(self) -> Confined:
        return self

    def __exit__(self, problem: object, *_: object) -> None:
        if problem is not None:
            print("\n".join(["  the end of its log:", *self.text().splitlines()[-LINES_OF_A_LOG:]]))
        for identity in reversed(self.ids()):
            try:
                os.kill(identity, 9)
            except ProcessLookupError:
                pass
        self.process.kill()
        self.process.wait()


def descendants(process: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found
