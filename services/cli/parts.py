"""Parts of a series as a person names them on the command line."""

from contracts.events import CONTENT_PARTS, Part
from services.cli.errors import CliError


def parse_parts(text: str | None) -> tuple[str, ...] | None:
    """The parts named in a comma-separated list; None if there is no list. Raises CliError that lists the known."""
    if text is None:
        return None
    return known_parts([word for word in text.split(",") if word.strip()], CONTENT_PARTS)


def known_parts(words: list[str] | tuple[str, ...], known: tuple[Part, ...] = tuple(Part)) -> tuple[str, ...]:
    """`words` as parts, each once; raises CliError that lists the known if one isn't."""
    names = [part.value for part in known]
    found: dict[str, None] = {}
    for word in words:
        part = word.strip().lower()
        if part not in names:
            raise CliError(f"there is no part {word.strip()!r}", hint=f"the parts are: {', '.join(names)}", code=2)
        found[part] = None
    if not found:
        raise CliError("no part was named", hint=f"the parts are: {', '.join(names)}", code=2)
    return tuple(found)
