"""The archive of a release: the same files give the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from pathlib import Path

COMPRESSION = 6


def checksums(folder: Path) -> str:
    """The SHA-256 sums of all files below a folder, in the format of `sha256sum`."""
    return "".join(f"{sha256(path)}  {path.relative_to(folder)}\n" for path in files(folder))


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def sha256(path: Path) -> str:
    state = hashlib.sha256()
    with path.open("rb") as opened:
        while block := opened.read(1 << 20):
            state.update(block)
    return state.hexdigest()


def pack(folder: Path, archive: Path, time: int) -> None:
    """Packs a folder under its name: sorted, owned by root, all files of the same time."""

    def neutral(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = time
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    with archive.open("wb") as out, gzip.GzipFile("", "wb", COMPRESSION, out, mtime=time) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for path in sorted(folder.rglob("*")):
                tar.add(path, f"{folder.name}/{path.relative_to(folder)}", recursive=False, filter=neutral)
