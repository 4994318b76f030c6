"""The program that draws one SVG: text on standard input, a PNG on standard output, a reason on standard error.

It is run as a file of its own, and imports nothing of ours: whatever a hostile SVG does to the renderer (endless
work, all memory, a stack that overflows) ends this process only. It can open no file and no connection.
"""

import resource
import sys
from contextlib import suppress

import resvg_py

WIDEST = 800  # pixels; also the highest. Media servers' own size of a logo is 800 x 310
_SECONDS = 3  # of the processor; a logo takes hundredths
_MEMORY = 512 * 1024**2
_LIMITS = (
    (resource.RLIMIT_CPU, _SECONDS),
    (resource.RLIMIT_AS, _MEMORY),
    (resource.RLIMIT_CORE, 0),
    (resource.RLIMIT_NOFILE, 3),  # the three that are open already
)


def main() -> None:
    for limit, value in _LIMITS:
        with suppress(ValueError, OSError):  # macOS has limits that can't be set; the others hold
            resource.setrlimit(limit, (value, value))
    svg = sys.stdin.buffer.read().decode()
    try:
        png = resvg_py.svg_to_bytes(
            svg_string=svg,
            width=WIDEST,  # both: as large as fits, in its own proportions
            height=WIDEST,
            dpi=96.0,  # CSS's own, for sizes in millimetres
            skip_system_fonts=True,  # the same picture on every machine: text that is no path is not drawn
        )
    except BaseException as error:  # noqa: BLE001 - a panic of the renderer is none of Python's exceptions
        sys.exit(str(error))
    sys.stdout.buffer.write(png)


if __name__ == "__main__":
    main()
