"""A stand-in for the catalogues: TVmaze's shape, made-up series, pretty pictures, and failures on demand.

For the demo, tests and benchmarks: no network and no key. `python -m deploy.standin --port 8090`, or in process
`async with StandIn() as standin: standin.url`.
"""

from deploy.standin.addresses import TMDB_TOKEN
from deploy.standin.controls import Rule
from deploy.standin.server import StandIn

__all__ = ["TMDB_TOKEN", "Rule", "StandIn"]
