"""The rule for names of collections: that of the server, and no name that leads out of the data folder."""

from __future__ import annotations

from .failures import out_of_bounds

LONGEST = 255
FORBIDDEN = '<>:"/\\|?*\0\x1f'


def check(name: str) -> None:
    if not 1 <= len(name.encode()) <= LONGEST:
        raise refused(f'value "{name}" invalid, must be from 1 to {LONGEST} characters')
    for character in name:
        if character in FORBIDDEN:
            raise refused(f'collection name cannot contain "{character}" char')
    if name in (".", ".."):
        raise refused(f'collection name cannot be "{name}"')


def refused(reason: str) -> Exception:
    return out_of_bounds("collection_name", reason)
