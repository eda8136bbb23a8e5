"""Hashes: keyed ones for ids that must not give their value away, plain ones for comparing."""

from __future__ import annotations

import hashlib


def keyed_hash(key: bytes, *parts: str) -> bytes:
    """16 bytes that only this installation can compute for these parts.

    >>> len(keyed_hash(b"k", "email", "ada@example.com"))
    16
    """
    data = "\x00".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16, key=key).digest()


def message_hash(message_id: str) -> bytes:
    """16 bytes that stand for a message id when messages are de-duplicated."""
    return hashlib.blake2b(message_id.encode(), digest_size=16).digest()


def secret_hash(secret: str) -> str:
    """The stored form of an unguessable secret (tokens, session ids), in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()
