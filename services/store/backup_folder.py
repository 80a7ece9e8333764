"""A backup as a folder: compressed files, and a manifest that is written last and names them all.

It is written under another name and takes its own at the end, so what is there is whole.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, Self

import msgspec

from services.errors import Conflict, Damaged, NotFound, Unavailable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
PACKED: Final = ".copy.zst"
"""How files of rows end; a master key's file is plain."""
PLAIN: Final = ".key"

Progress = Callable[[int, int], None]
"""Called now and then with the bytes done and their whole number."""

_BLOCK: Final = 1 << 18
_LEVEL: Final = 1  # most of it was compressed by the log before: level 3 saves two in a hundred


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a backup, and the table whose rows it holds."""

    name: str
    size: int
    sha256: str
    table: str = ""
    """``schema.name``; empty where it holds no rows."""
    columns: tuple[str, ...] = ()
    rows: int = 0


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself."""

    kind: Literal["store", "vault"]
    format: int = FORMAT
    touchline: str
    """The version that made it."""
    postgres: str
    made_at: str
    """When its snapshot was taken, UTC."""
    vault: str
    """Names the vault that opens what is sealed here: its hash key's fingerprint."""
    position: dict[int, int]
    """Where each partition of the log ended in the snapshot."""
    migrations: dict[str, str]
    """Applied then, each with its checksum: what its tables look like."""
    sequences: dict[str, int]
    files: tuple[File, ...]

    @property
    def records(self) -> int:
        """How many the log held."""
        return sum(self.position.values())

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.size for file in self.files)


class Draft:
    """A backup that is being made at ``place``; readable for its owner only."""

    def __init__(self, place: Path) -> None:
        """Raises ``Conflict`` where something is there, ``Unavailable`` where nothing can be."""
        self.place = place.expanduser().absolute()
        self._folder = self.place.with_name(f"{self.place.name}.partial")
        if self.place.exists() and not _is_empty_folder(self.place):
            raise Conflict(
                f"there is something in {self.place}", "name a folder that is new or empty",
                field="the backup's folder",
            )  # fmt: skip
        try:
            _clear(self._folder)
            self._folder.mkdir(mode=0o700, parents=True)
        except OSError as cause:
            raise _unwritable(self._folder, cause) from cause

    def write(self, name: str, chunks: Iterable[bytes]) -> File:
        """Write ``chunks`` into a file, on disk on return."""
        digest, size = sha256(), 0
        try:
            with os.fdopen(_private(self._folder / name), "wb") as file:
                for chunk in chunks:
                    digest.update(chunk)
                    size += file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
        except OSError as cause:
            raise _unwritable(self._folder, cause) from cause
        return File(name=name, size=size, sha256=digest.hexdigest())

    def finish(self, manifest: Manifest) -> None:
        """Write ``manifest``, and let the backup be seen at its place."""
        body = msgspec.json.encode(manifest)
        signed = {"backup": json.loads(body), "sha256": _of(body)}
        self.write(MANIFEST, [json.dumps(signed, indent=1).encode() + b"\n"])
        try:
            _sync(self._folder)
            self._folder.rename(self.place)
            _sync(self.place.parent)
        except OSError as cause:
            raise _unwritable(self.place, cause) from cause

    def drop(self) -> None:
        """Leave nothing of what was not finished."""
        shutil.rmtree(self._folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Backup:
    """A finished backup; its files may have been damaged since."""

    place: Path
    manifest: Manifest

    @classmethod
    def at(cls, place: Path, kind: Literal["store", "vault"]) -> Self:
        """The backup in the folder ``place``.

        Raises ``NotFound``, and ``Damaged`` for what is no whole backup of that kind, or of a
        later form than this version reads.
        """
        place = place.expanduser().absolute()
        if not place.is_dir():
            raise NotFound(
                f"there is no folder {place}", "name the folder of a backup",
                field="the backup",
            )  # fmt: skip
        manifest = _read_manifest(place / MANIFEST)
        if manifest.kind != kind:
            raise Damaged(
                f"{place} is the backup of a {manifest.kind}, and that of a {kind} is due"
            )
        return cls(place, manifest)

    def check(self, progress: Progress) -> None:
        """See that every file is what was written; raises ``Damaged``, which names the file."""
        done = 0
        for file in self.manifest.files:
            digest = sha256()
            for block in _blocks(self.place / file.name):
                digest.update(block)
                done += len(block)
                progress(done, self.manifest.size)
            if digest.hexdigest() != file.sha256:
                raise _damaged(self.place / file.name, "is not what was written (SHA-256 differs)")

    def unpacked(self, file: File) -> Iterator[bytes]:
        """The rows in ``file``."""
        unpacker = zstd.ZstdDecompressor()
        try:
            for block in _blocks(self.place / file.name):
                yield unpacker.decompress(block)
        except (zstd.ZstdError, EOFError) as cause:
            raise _damaged(self.place / file.name, "can't be unpacked") from cause

    def read(self, name: str) -> bytes:
        """A small file that is not packed; raises ``Damaged`` where there is none."""
        return b"".join(_blocks(self.place / name))

    def has(self, name: str) -> bool:
        """Whether a file of that name belongs to it."""
        return any(file.name == name for file in self.manifest.files)


def packed(rows: Iterable[bytes]) -> Iterator[bytes]:
    """``rows`` compressed, in blocks."""
    packer, waiting = zstd.ZstdCompressor(level=_LEVEL), bytearray()
    for row in rows:
        waiting += row
        if len(waiting) >= _BLOCK:
            yield packer.compress(waiting)
            waiting = bytearray()
    yield packer.compress(waiting) + packer.flush()


def _read_manifest(place: Path) -> Manifest:
    try:
        text = place.read_bytes()
    except FileNotFoundError as cause:
        raise _damaged(
            place, "is missing: this is no backup, or one that was broken off"
        ) from cause
    except OSError as cause:
        raise _damaged(place, f"can't be read ({cause.strerror})") from cause
    try:
        signed = json.loads(text)
        backup, said = signed["backup"], signed["sha256"]
        if backup["format"] > FORMAT:
            raise Damaged(f"{place} was written by a newer version of Touchline; restore with that")
        manifest = msgspec.convert(backup, Manifest, str_keys=True)
    except (ValueError, TypeError, KeyError, RecursionError) as cause:
        raise _damaged(place, "can't be understood") from cause
    if _of(msgspec.json.encode(manifest)) != said or not all(map(_is_ours, _names(manifest))):
        raise _damaged(place, "is not what was written (SHA-256 differs)")
    return manifest


def _names(manifest: Manifest) -> Iterator[str]:
    return (file.name for file in manifest.files)


def _is_ours(name: str) -> bool:
    """Whether a backup may have a file of that name, in its folder and nowhere else."""
    is_one = name == MANIFEST or name.endswith((PACKED, PLAIN))
    return is_one and Path(name).name == name


def _blocks(place: Path) -> Iterator[bytes]:
    try:
        with place.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block
    except FileNotFoundError as cause:
        raise _damaged(place, "is missing") from cause
    except OSError as cause:
        raise _damaged(place, f"can't be read ({cause.strerror})") from cause


def _clear(folder: Path) -> None:
    """Take away what a backup that was broken off left; what is not ours stays, and is refused."""
    if not folder.exists():
        return
    strange = [one.name for one in folder.iterdir() if not _is_ours(one.name)]
    if strange:
        raise Conflict(
            f"{folder} holds {strange[0]}, which no backup wrote",
            "move it away, or name another folder", field="the folder of unfinished work",
        )  # fmt: skip
    shutil.rmtree(folder)


def _is_empty_folder(place: Path) -> bool:
    return place.is_dir() and not any(place.iterdir())


def _private(place: Path) -> int:
    return os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _of(body: bytes) -> str:
    return sha256(body).hexdigest()


def _damaged(place: Path, what: str) -> Damaged:
    return Damaged(f"{place} {what}; nothing was restored: use another backup, or another copy")


def _unwritable(place: Path, cause: OSError) -> Unavailable:
    return Unavailable(f"the backup can't be written to {place}: {cause.strerror or cause}")
