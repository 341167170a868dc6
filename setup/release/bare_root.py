"""A Debian without Rust, compiler and Node: unpack the archive, `colloquy up`, and ask a question.

Also: the account service is started again when it is killed, and everything ends in order at SIGTERM.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import built
import debian
import question
from question import until

READY_WITHIN_SECONDS = 2.0


def unpacked(root: Path, archive: Path) -> None:
    """Unpacks the archive as an operator does, by the tools of the root alone."""
    (root / "tmp" / archive.name).write_bytes(archive.read_bytes())
    script = f"mkdir -p /opt/colloquy && tar -xzf /tmp/{archive.name} -C /opt/colloquy --strip-components=1 && rm /tmp/{archive.name}"
    script += " && cd /opt/colloquy && sha256sum -c --quiet SHA256SUMS && install -d -o 65532 -g 65532 -m 700 /var/lib/colloquy"
    subprocess.run(["chroot", str(root), "sh", "-ec", script], check=True)


def ready(client: question.Client, colloquy: debian.Confined) -> bool | None:
    colloquy.require_running()
    return client.is_ready() or None


def node_of(colloquy: debian.Confined) -> int | None:
    for process in colloquy.ids():
        try:
            if os.readlink(f"/proc/{process}/exe").endswith("/lib/node"):
                return process
        except OSError:
            continue
    return None


def main() -> None:
    debian.require("debootstrap", "util-linux", programs=("debootstrap", "unshare", "chroot"))
    archive, bare = built.archive(), debian.bare_root()
    built.on_services(__file__)
    with tempfile.TemporaryDirectory(prefix="colloquy-bare-") as folder:
        root = Path(folder) / "root"
        root.mkdir()
        debian.copy(bare, root)
        there = [tool for tool in debian.BUILD_TOOLS for place in ("bin", "local/bin") if (root / "usr" / place / tool).exists()]
        if there:
            sys.exit(f"the root is not bare: {', '.join(there)}")
        unpacked(root, archive)
        port = built.free_port()
        url = f"http://127.0.0.1:{port}"
        settings = {**built.services(), "LISTEN": f"127.0.0.1:{port}", "PUBLIC_URL": url, "HOME": "/var/lib/colloquy"}
        command = ["/opt/colloquy/bin/colloquy", "up", "--data-dir", "/var/lib/colloquy"]
        seconds = [start(root, command, settings, Path(folder) / "log", is_last) for is_last in (False, False, False, True)]
        # The first start migrates the database, and the machine may be busy with other work at times.
        if min(seconds[1:]) > READY_WITHIN_SECONDS and "COLLOQUY_ARCHIVE" not in os.environ:
            sys.exit(f"ready after {min(seconds[1:]):.2f} s at best, not within {READY_WITHIN_SECONDS} s")


def start(root: Path, command: list[str], settings: dict[str, str], log: Path, is_last: bool) -> float:
    """Starts and ends Colloquy, the last time after it was tried out; seconds until it and its accounts were ready."""
    began = time.monotonic()
    with debian.Confined(root, command, settings, log) as colloquy:
        client = question.Client(settings["PUBLIC_URL"])
        until("colloquy is ready, with its accounts", lambda: ready(client, colloquy))
        seconds = time.monotonic() - began
        print(f"  ready after {seconds:.2f} s")
        if is_last:
            try_out(client, colloquy)
        end(colloquy)
    return seconds


def try_out(client: question.Client, colloquy: debian.Confined) -> None:
    status, _, text = client.send("GET", "/")
    if status != 200 or b"<script" not in text:
        sys.exit(f"the page was answered with {status}")
    print(f"  answer: {question.try_out(client.url)}")
    killed = until("the account service runs", lambda: node_of(colloquy))
    os.kill(killed, signal.SIGKILL)
    began = time.monotonic()
    another = lambda: (node := node_of(colloquy)) not in (None, killed) and node or None  # noqa: E731
    until("the account service is started again", another)
    until("the account service answers again", lambda: ready(client, colloquy))
    print(f"  the killed account service answers again after {time.monotonic() - began:.2f} s")
    question.Client(client.url).sign_up()


def end(colloquy: debian.Confined) -> None:
    program = colloquy.program()
    if program is None:
        sys.exit("the program has ended")
    began = time.monotonic()
    os.kill(program, signal.SIGTERM)
    code = colloquy.process.wait(timeout=45)
    if code != 0:
        sys.exit(f"SIGTERM ended the program with {code}:\n{colloquy.text()}")
    print(f"  ended in order after {time.monotonic() - began:.2f} s")


if __name__ == "__main__":
    main()
