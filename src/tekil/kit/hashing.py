"""Hashes: keyed ones for ids that must not give their value away, plain ones for comparing."""

from __future__ import annotations

import hashlib


def keyed_hash(key: bytes, namespace: str, value: str) -> str:
    """16 bytes in hexadecimal that only this installation can compute for an identity.

    >>> len(keyed_hash(b"k", "email", "ada@example.com"))
    32
    """
    data = f"{namespace}\x00{value}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16, key=key).hexdigest()


def message_hash(message_id: str) -> bytes:
    """16 bytes that stand for a message id when messages are de-duplicated."""
    return hashlib.blake2b(message_id.encode(), digest_size=16).digest()


def secret_hash(secret: str) -> str:
    """The stored form of an unguessable secret (tokens, session ids), in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()
