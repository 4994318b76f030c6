"""How durations, sizes, numbers, titles and programs read to people. Pure: no clock, no locale."""

# The first that a browser's User-Agent holds is the browser: it names those further down too, to be taken for them.
_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "Chromium/": "Chromium",
    "Chrome/": "Chrome",
    "CriOS/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Macintosh": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}
_PROGRAM = 40  # characters


def duration(seconds: float) -> str:
    """`seconds` as people say it: `80 ms`, `1.4 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def size(count: float) -> str:
    """A number of bytes as people say it."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 file`, `2 files`, `2 series`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def titled(name: str, year: int | None) -> str:
    """A series' name with its year, once."""
    return name if year is None or name.endswith(f"({year})") else f"{name} ({year})"


def program(user_agent: str) -> str:
    """What a program calls itself: a browser's name and system, such as `Chrome on Linux`; of others the beginning."""
    browser = _first(_BROWSERS, user_agent) if user_agent.startswith("Mozilla/5.0 (") else None
    if browser is None:
        return user_agent if len(user_agent) <= _PROGRAM else f"{user_agent[:_PROGRAM]}…"
    system = _first(_SYSTEMS, user_agent)
    return browser if system is None else f"{browser} on {system}"


def _first(names: dict[str, str], text: str) -> str | None:
    return next((name for mark, name in names.items() if mark in text), None)
