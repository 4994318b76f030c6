# Coldopen's recipes: `just` lists them. CI runs the same ones.

set shell := ["bash", "-euo", "pipefail", "-c"]

# Some images forbid it; then each of the hundreds of processes that tests start would compile what it imports.
export PYTHONDONTWRITEBYTECODE := ""

# Playwright is as large as all that Coldopen runs with: who only wants to run it never downloads it.
with_browser := "uv run --group browser"

[private]
default:
    @just --list --unsorted

# Format, lint, types and import rules: what must hold before anything is tested
[group('check')]
check:
    ruff format --check .
    ruff check .
    {{ with_browser }} mypy
    lint-imports

# Format the code and mend what ruff can mend
[group('check')]
fix:
    ruff format .
    ruff check --fix .

# `just check`, then every test but the benchmarks, several files at once; words after it go to pytest
[group('test')]
test *ARGS: check
    -{{ with_browser }} python -m tests.support.chromium
    {{ with_browser }} \
        pytest -n $(({{ num_cpus() }} + 1)) --maxprocesses 4 --dist loadfile --no-loadscope-reorder {{ ARGS }}

# Only the fast tests: no server, no network
[group('test')]
unit *ARGS:
    pytest tests/unit tests/contract {{ ARGS }}

# Fifty series while everything dies, COUNT seeds in a row from FIRST on; a failed one keeps its installation
[group('test')]
chaos COUNT="20" FIRST="1":
    python -m tests.chaos {{ COUNT }} {{ FIRST }}

# Figures beside their limits, and how cost grows; a name runs one benchmark: `just bench accept`
[group('test')]
bench *NAMES:
    python -m tests.benchmarks {{ NAMES }}

# `just bench`, and its tables into README.md and ARCHITECTURE.md: on a machine that does nothing else
[group('test')]
bench-readme *NAMES:
    python -m tests.benchmarks --readme {{ NAMES }}

# The whole of Coldopen on this machine
[group('run')]
up *ARGS:
    coldopen up {{ ARGS }}

# Bring COLDOPEN_DATABASE_URL and COLDOPEN_NATS_URL to the newest shape
[group('run')]
migrate:
    python -m deploy.bootstrap

# Write contracts/schema/ and asyncapi.yaml anew from the structs; refuses what would break a reader
[group('make')]
schema:
    python -m tests.support.write_schemas

# Fetch the board's libraries as services/gateway/board/vendor/vendor.toml pins them (needs npm)
[group('make')]
vendor *ARGS:
    python -m tests.support.vendor_board {{ ARGS }}

# Take the README's pictures of the board anew, in docs/pictures/: look at them before you commit them
[group('make')]
screenshots:
    {{ with_browser }} python -m tests.board.screenshots
