"""Small files and functions: what fits on a page can be read, tested and replaced."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.architecture.test_imports import ROOT, source_files

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
MAX_CLASS_LINES = 300
FORBIDDEN_NAMES = ("utils", "helpers", "helper", "manager", "misc", "common")


@pytest.mark.parametrize("path", source_files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_files_functions_and_classes_are_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_FILE_LINES, "split this file by noun"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            limit = MAX_CLASS_LINES if isinstance(node, ast.ClassDef) else MAX_FUNCTION_LINES
            assert length <= limit, f"{node.name} has {length} lines; {limit} are allowed"


@pytest.mark.parametrize("path", source_files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_is_a_drawer(path: Path) -> None:
    assert path.stem not in FORBIDDEN_NAMES, "name it after what it holds"


@pytest.mark.parametrize("path", source_files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "begin with a sentence on what it is for"
