"""What other programs rely on: events, subjects, the fold and the HTTP bodies. Standard library and msgspec only."""
