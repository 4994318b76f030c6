"""`python -m deploy.standin`: serve until stopped; the first line printed is the URL."""

import argparse
import asyncio
import signal

from deploy.standin import demo_series
from deploy.standin.server import StandIn


async def serve(arguments: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    standin = StandIn(
        port=arguments.port,
        delay=arguments.delay_ms / 1000,
        default_year=arguments.default_year,
        same_pictures=arguments.same_pictures,
    )
    for title, year in arguments.series:
        standin.catalogue.add(title, year)
    if arguments.demo:
        demo_series.arrange(standin)
    async with standin:
        print(standin.url, flush=True)
        await stopped.wait()


def title_and_year(text: str) -> tuple[str, int | None]:
    """`Attack on Titan=2013`, or a title alone."""
    title, _, year = text.rpartition("=")
    return (title, int(year)) if title and year.isdecimal() else (text, None)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.standin", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--delay-ms", type=float, default=0, help="how long every answer takes")
    parser.add_argument("--series", type=title_and_year, action="append", default=[], metavar="TITLE[=YEAR]")
    parser.add_argument("--default-year", type=int, help="the year of titles that have none of their own")
    parser.add_argument("--same-pictures", action="store_true", help="one picture per kind, to save work")
    parser.add_argument("--demo", action="store_true", help="the demo's series, with their mishaps")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
