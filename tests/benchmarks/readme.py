"""The table of a run, written into README.md between two markers: nobody types a figure there."""

from pathlib import Path

from tests.benchmarks.harness import Figure, Run, table

BEGIN, END = "<!-- just bench-readme -->", "<!-- /just bench-readme -->"


def write_table(page: Path, figures: list[Figure], run: Run) -> None:
    """Put the run's table in the place of the last one. Raises ValueError if the page has no such place."""
    text = page.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n{table(figures)}\n\n{_with_what(run)}\n{END}{after}")


def _with_what(run: Run) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in run.versions.items())
    return (
        f"Taken {run.time:%Y-%m-%d} at commit {run.commit} on {run.cores} cores ({run.processor}), "
        f"{run.memory_gib} GiB, Python {run.python}; {versions}."
    )
