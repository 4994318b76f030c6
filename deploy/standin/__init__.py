"""A stand-in for TMDB, TVmaze and aniworld.to: made-up series, the same in all, pretty pictures, failures on demand.

For the demo, tests and benchmarks: no network and no key. `python -m deploy.standin --port 8090`, or in process
`async with StandIn() as standin: standin.url`.
"""

from deploy.standin.addresses import TMDB_TOKEN
from deploy.standin.controls import Rule
from deploy.standin.server import StandIn

__all__ = ["TMDB_TOKEN", "Rule", "StandIn"]
