"""The integer and text ids that rooms pass to each other, each a type of its own."""

from __future__ import annotations

import secrets
import uuid
from typing import NewType

IdentityId = NewType("IdentityId", int)
"""The integer that stands for one identity (namespace + value) inside one installation."""

ProfileId = NewType("ProfileId", int)
"""The integer that stands for one profile: the identity_id of its oldest identity."""

AccountId = NewType("AccountId", int)
SourceId = NewType("SourceId", int)
Seq = NewType("Seq", int)
"""The place of a request in the inbox."""

MessageId = NewType("MessageId", str)


def new_message_id() -> MessageId:
    """An id for a message that came without one."""
    return MessageId(str(uuid.uuid4()))


def new_secret(prefix: str) -> str:
    """An unguessable secret that says what it is, such as ``wk_…`` for a write key."""
    return f"{prefix}_{secrets.token_urlsafe(24)}"
