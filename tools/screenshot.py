"""Draws docs/images/profile.svg: somebody of a small sample shop, as the command line shows them.

python -m tools.screenshot
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from pathlib import Path

from tekil.commands import people
from tekil.commands.connection import connect
from tekil.commands.options import settings_for
from tekil.commands.output import console
from tekil.demo.shop.run import truth_path
from tekil.demo.shop.truth import by_person, load_truth
from tools.reference import ROOT

PICTURE = ROOT / "docs" / "images" / "profile.svg"
PEOPLE = 400
WIDTH = 96
EVENTS = 8


def main() -> None:
    """Tell a small shop, look somebody up, and keep what was printed as a picture."""
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / "demo-data"
        words = ["demo", "--people", str(PEOPLE), "--data", str(data), "--port", "0"]
        subprocess.run([sys.executable, "-m", "tekil", *words], check=True)
        ref = somebody(data)
        console.file, console.record, console.width = io.StringIO(), True, WIDTH
        console.print(f"[bold green]$[/] tekil profile {ref}\n", highlight=False)
        people.profile(ref, events=EVENTS, as_of=None, data=data)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    console.save_svg(str(PICTURE), title="tekil")


def somebody(data: Path) -> str:
    """A Turkish customer with a name, several devices and a handful of traits."""
    candidates = []
    for _, keys in by_person(load_truth(truth_path(data)).truth):
        spaces = [namespace for namespace, _ in keys]
        emails = sorted(value for namespace, value in keys if namespace == "email")
        if emails and "phone" in spaces and 3 <= spaces.count("anonymous_id") <= 4:
            candidates.append((-len(set(spaces)), emails[0]))
    with connect(settings_for(data)) as api:
        for _, email in sorted(candidates):
            traits = api.get(f"/profiles/email:{email}")["traits"]
            name = str(traits.get("firstName", ""))
            if traits.get("country") == "TR" and not name.isascii() and not name.isupper():
                return f"email:{email}"
    raise SystemExit("Nobody of this shop is fit for a picture; take a larger one.")


if __name__ == "__main__":
    main()
