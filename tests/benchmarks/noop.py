"""The add route doing nothing: the same server and framework, the same body decoded, an answer of the same size."""

import sys

import uvicorn
from litestar import Litestar, post

from contracts.api import AddRequest, AddResponse, LoadingProgress


@post("/api/anime/add", status_code=202)
async def add(data: AddRequest) -> AddResponse:
    """Answer as an add does."""
    return AddResponse(
        status="success",
        message="Series added and queued for background loading",
        key="series-0",
        folder=data.name or "",
        db_id=1,
        loading_status="pending",
        loading_progress=LoadingProgress(),
        position=1,
    )


if __name__ == "__main__":
    uvicorn.run(Litestar([add]), host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
