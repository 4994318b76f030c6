"""The replayer of contracts/README.md, as it stands there: its text, and the module that it is."""

import re
from pathlib import Path
from types import ModuleType

README = Path(__file__).parents[2] / "contracts" / "README.md"


def source() -> str:
    """The code below the heading "A replayer"."""
    section = README.read_text(encoding="utf-8").partition("\n## A replayer\n")[2]
    found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


def program() -> ModuleType:
    """It, imported."""
    module = ModuleType("replayer")
    exec(compile(source(), "contracts/README.md", "exec"), module.__dict__)
    return module
