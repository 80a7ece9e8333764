"""The master key: read from a setting or a file, made where there is none."""

import base64
import binascii
import os
import secrets
from pathlib import Path

from services.errors import Misconfigured
from services.vault.seal import SECRET_BYTES
from services.vault.wrapping import SETTING


def parse_master_key(text: str, *, source: str = SETTING) -> bytes:
    """32 bytes from hex or base64 (either alphabet).

    Raises ``Misconfigured``, which names ``source`` and never the key.
    """
    text = text.strip()
    for read in (bytes.fromhex, _from_base64):
        try:
            key = read(text)
        except (ValueError, binascii.Error):
            continue
        if len(key) == SECRET_BYTES:
            return key
    raise Misconfigured(
        f"{source} is not 32 bytes in hex or base64 (it has {len(text)} characters); "
        "make one with: openssl rand -base64 32"
    )


def load_or_make_master_key(path: Path) -> bytes:
    """The master key in the file ``path`` (base64, mode 0600), made there by whoever comes first.

    Raises ``Misconfigured`` for a file that others may read, that holds no key, or that lies inside
    a database's folder, where a backup of the database would take the key along.
    """
    if any((folder / "PG_VERSION").exists() for folder in path.absolute().parents):
        raise Misconfigured(
            f"the master key {path} lies inside a database's folder; keep it outside"
        )
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        raise Misconfigured(f"the master key {path} may be read by others; run: chmod 600 {path}")
    return parse_master_key(path.read_text(errors="replace"), source=f"the master key {path}")


def _from_base64(text: str) -> bytes:
    standard = text.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)


def _make(path: Path) -> None:
    """Write a new key beside ``path`` and link it there: whole or not, never over another."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(os.urandom(SECRET_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return  # another process was first: its key is the key
        _sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
