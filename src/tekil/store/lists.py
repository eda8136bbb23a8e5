"""Long lists in a WHERE: one bound value, whatever their length."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from tekil.kit.json import encode_text


def in_list(
    connection: sa.Connection, column: sa.Column[Any], values: Collection[int] | Collection[str]
) -> sa.ColumnElement[bool]:
    """Say ``column IN values`` with one bound parameter, so that the statement is prepared once.

    SQLite takes at most 32,766 parameters and would compile a new statement for every length.
    """
    if connection.dialect.name == "sqlite":
        each = sa.func.json_each(encode_text(list(values))).table_valued("value")
        return column.in_(sa.select(each.c.value))
    array = sa.bindparam(None, list(values), type_=postgresql.ARRAY(column.type), unique=True)
    return column == sa.any_(array)
