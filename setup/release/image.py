"""The container images: built from the archive, below their size, without a shell, and they answer a question.

Built by buildah on a base from debootstrap, and run as the images say: not as root, on a read-only root file system.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import built
import debian
import question
from question import until
from tools import REPOSITORY

BASE = "debian:bookworm-slim"
DOCKERFILE = REPOSITORY / "deploy" / "container" / "Dockerfile"
MOST_BYTES = 250_000_000
MASTER_KEY, SECRET = "2a" * 32, "s" * 64


class Images:
    """A store of images in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.store = ["buildah", "--root", str(folder / "images"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]

    def run(self, *arguments: str) -> str:
        done = subprocess.run([*self.store, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit(f"buildah {arguments[0]} failed: {done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done.stdout.strip()

    def add_base(self, root: Path) -> None:
        """Tags the root as the Dockerfile names its base."""
        container = self.run("from", "scratch")
        self.run("copy", "--quiet", container, str(root), "/")
        self.run("commit", "--quiet", "--rm", container, BASE)

    def build(self, target: str, context: Path) -> str:
        name = f"colloquy-check-{target}"
        options = ["--isolation", "chroot", "--format", "docker", "--pull=never", "--layers=false"]
        self.run("bud", "--quiet", *options, "--file", str(DOCKERFILE), "--target", target, "--tag", name, str(context))
        return name

    def root(self, image: str) -> Path:
        """The folder with the files of the image."""
        return Path(self.run("mount", self.run("from", "--pull=never", image)))

    def config(self, image: str) -> dict:
        return json.loads(self.run("inspect", "--type", "image", image))["Docker"]["config"]


def check_files(name: str, root: Path, config: dict) -> None:
    size = sum(path.lstat().st_size for path in root.rglob("*") if not path.is_symlink() and path.is_file())
    print(f"  image {name}: {size / 1e6:.0f} MB uncompressed")
    if name == "colloquy" and size > MOST_BYTES:
        sys.exit(f"the image has more than {MOST_BYTES / 1e6:.0f} MB")
    shells = [path for path in ("bin/sh", "bin/bash", "usr/bin/sh", "usr/bin/apt-get", "usr/bin/dpkg") if (root / path).exists()]
    if shells:
        sys.exit(f"the image {name} has {', '.join(shells)}")
    if config["User"] != "65532:65532" or not config.get("Healthcheck"):
        sys.exit(f"the image {name} runs as {config['User'] or 'root'}, or has no health check")


def confined(root: Path, config: dict, settings: dict[str, str], log: Path) -> debian.Confined:
    """The program of an image on its read-only files."""
    variables = dict(variable.split("=", 1) for variable in config.get("Env") or [])
    command = [*config["Entrypoint"], *(config.get("Cmd") or [])]
    for folder in ("proc", "dev"):
        (root / folder).mkdir(exist_ok=True)
    writable = {"/tmp": "1777", "/data": "0700"}
    return debian.Confined(root, command, {**variables, **settings}, log, writable)


def check_health(root: Path, config: dict, settings: dict[str, str]) -> None:
    """Runs the health check of the image beside its program."""
    test = config["Healthcheck"]["Test"]
    variables = [f"{name}={value}" for name, value in settings.items()]
    command = ["env", "-i", *variables, "/usr/sbin/chroot", "--userspec=65532:65532", str(root), *test[1:]]
    checked = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if test[0] != "CMD" or checked.returncode != 0:
        sys.exit(f"the health check failed: {checked.stdout}")


def main() -> None:
    debian.require("buildah", "debootstrap", "util-linux", programs=("buildah", "debootstrap", "unshare"))
    archive, bare = built.archive(), debian.bare_root()
    built.on_services(__file__)
    with tempfile.TemporaryDirectory(prefix="colloquy-image-") as temporary:
        folder, images = Path(temporary), Images(Path(temporary))
        context = folder / "context"
        context.mkdir()
        os.link(archive, context / archive.name) if same_device(archive, context) else (context / archive.name).write_bytes(archive.read_bytes())
        began = time.monotonic()
        images.add_base(bare)
        roots, configs = {}, {}
        for target in ("accounts", "colloquy"):
            image = images.build(target, context)
            roots[target], configs[target] = images.root(image), images.config(image)
            check_files(target, roots[target], configs[target])
        print(f"  both images built in {time.monotonic() - began:.0f} s")
        try_out(roots, configs, folder)


def same_device(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def try_out(roots: dict[str, Path], configs: dict[str, dict], folder: Path) -> None:
    http, auth = built.free_port(), built.free_port()
    url = f"http://127.0.0.1:{http}"
    services = {**built.services(), "PUBLIC_URL": url}
    accounts = {"DATABASE_URL": services["DATABASE_URL"], "PUBLIC_URL": url, "AUTH_LISTEN": f"127.0.0.1:{auth}", "BETTER_AUTH_SECRET": SECRET}
    settings = {**services, "LISTEN": f"127.0.0.1:{http}", "AUTH_URL": f"http://127.0.0.1:{auth}", "MASTER_KEY": MASTER_KEY}
    with confined(roots["accounts"], configs["accounts"], accounts, folder / "accounts.log"):
        with confined(roots["colloquy"], configs["colloquy"], settings, folder / "colloquy.log") as colloquy:
            client = question.Client(url)

            def ready() -> bool | None:
                colloquy.require_running()
                return client.is_ready() or None

            until("the containers are ready", ready)
            print(f"  answer: {question.try_out(url)}")
            check_health(roots["colloquy"], configs["colloquy"], settings)


if __name__ == "__main__":
    main()
