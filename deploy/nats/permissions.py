"""Who may do what on the NATS server, in one table, and the server configuration that enforces it.

The embedded server and a deployment with containers use the same text: with passwords written out, or taken by the
server itself from `COLDOPEN_NATS_PASSWORD_<ROLE>`. `python -m deploy.nats.permissions` prints the latter.
"""

import json
from collections.abc import Iterable, Mapping

from contracts.events import Part
from contracts.subjects import FEED_SUBJECT, STREAM

OPERATOR = "operator"
SYSTEM = "system"

_OUTCOMES = ("started", "released", "retrying", "loaded", "unchanged", "unavailable", "failed")
_CLAIMS = "$KV.claims.>"
# What is needed for calling upstreams: the answers kept, and what the callers know of each upstream together.
_CALLING = ("$KV.cache.>", "$KV.upstreams.>")
_INBOX = "_INBOX.>"
# Reading: streams' state and messages, and the consumers without a name that an ordered reader makes and forgets.
_READING = (
    "$JS.API.INFO",
    "$JS.API.STREAM.NAMES",
    "$JS.API.STREAM.INFO.*",
    "$JS.API.STREAM.MSG.GET.*",
    "$JS.API.DIRECT.GET.>",
    "$JS.API.CONSUMER.CREATE.>",
    "$JS.API.CONSUMER.INFO.>",
    "$JS.API.CONSUMER.DELETE.>",
    "$JS.FC.>",
    _INBOX,
)
# The loaders' durable consumers are the queue of open work: only the operator makes, changes or deletes them.
_DURABLES = (
    "$JS.API.CONSUMER.DURABLE.>",
    *(f"$JS.API.CONSUMER.CREATE.{STREAM}.{part}" for part in Part),
    *(f"$JS.API.CONSUMER.CREATE.{STREAM}.{part}.>" for part in Part),
    *(f"$JS.API.CONSUMER.DELETE.{STREAM}.{part}" for part in Part),
)

# Following the log takes a consumer whose name is in the request's body, where no permission sees it: whoever may make
# one could also change a durable's filter. So only those may that do follow.
_FOLLOWING = f"$JS.API.CONSUMER.CREATE.{STREAM}"
_FOLLOWERS = frozenset({"projector"})


def _outcomes(*parts: Part) -> tuple[str, ...]:
    """What the loader of `parts` reports."""
    return tuple(f"series.*.{part}.{outcome}" for part in parts for outcome in _OUTCOMES)


def _pulling(*parts: Part) -> tuple[str, ...]:
    """Taking work from the durables of `parts` and acknowledging it; an ack may name the account before the stream."""
    return tuple(
        subject
        for part in parts
        for subject in (
            f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{part}",
            f"$JS.ACK.{STREAM}.{part}.>",
            f"$JS.ACK.*.*.{STREAM}.{part}.>",
        )
    )


# What each role may publish besides reading. The operator may do everything and is not in the table.
PUBLISH: dict[str, tuple[str, ...]] = {
    "gateway": ("series.*.added", "series.*.removed", "series.*.*.requested", _CLAIMS, *_CALLING),
    "episodes": (*_outcomes(Part.EPISODES), *_pulling(Part.EPISODES), *_CALLING),
    "nfo": (
        "series.*.identified",
        *_outcomes(Part.IDENTITY, Part.NFO),
        *_pulling(Part.IDENTITY, Part.NFO),
        _CLAIMS,
        *_CALLING,
    ),
    "images": (*_outcomes(Part.LOGO, Part.IMAGES), *_pulling(Part.LOGO, Part.IMAGES)),
    "projector": (FEED_SUBJECT, "series.*.parked", "series.*.unparked"),
    "caretaker": ("series.*.*.requested", "series.*.deleted"),
}
# Answers come to inboxes; only the gateway listens to anything else.
SUBSCRIBE: dict[str, tuple[str, ...]] = {"gateway": (_INBOX, FEED_SUBJECT)}
ROLES: tuple[str, ...] = (OPERATOR, *PUBLISH)


def password_variable(role: str) -> str:
    """The environment variable that a containerised server reads the role's password from."""
    return f"COLDOPEN_NATS_PASSWORD_{role.upper()}"


def authorization(passwords: Mapping[str, str] | None = None) -> str:
    """The `authorization` block for all roles; without `passwords` the server takes them from its environment.

    A variable's value is parsed like a literal: it should start with a letter, so that it is no number.
    """
    users = "\n".join(_user(role, passwords) for role in ROLES)
    return f"authorization {{\n  users: [\n{users}\n  ]\n}}\n"


def _user(role: str, passwords: Mapping[str, str] | None) -> str:
    password = f"${password_variable(role)}" if passwords is None else json.dumps(passwords[role])
    login = f"user: {json.dumps(role)}, password: {password}"
    if role == OPERATOR:
        return f"    {{ {login} }}"
    denied = _DURABLES if role in _FOLLOWERS else (*_DURABLES, _FOLLOWING)
    publish = f"{{ allow: {_list((*_READING, *PUBLISH[role]))}, deny: {_list(denied)} }}"
    subscribe = f"{{ allow: {_list(SUBSCRIBE.get(role, (_INBOX,)))} }}"
    return f"    {{ {login}, permissions: {{ publish: {publish}, subscribe: {subscribe} }} }}"


def _list(subjects: Iterable[str]) -> str:
    return json.dumps(list(subjects))


def server_config(
    *,
    listen: str,
    store_dir: str,
    passwords: Mapping[str, str] | None = None,
    sync_interval: str = "always",
    monitor: str | None = None,
    ports_dir: str | None = None,
    system_password: str | None = None,
) -> str:
    """The whole configuration of a server with JetStream.

    `listen` and `monitor` are host:port (port -1: any free one); with `ports_dir` the server writes down which port
    it took. `sync_interval: always` makes an acknowledgement mean *on disk*. With `system_password` the user `system`
    may ask how the server is, and nothing else: it sees no stream.
    """
    lines = [
        "server_name: coldopen",
        f"listen: {json.dumps(listen)}",
        "max_payload: 8MB",
        "max_pending: 128MB",
        "jetstream {",
        f"  store_dir: {json.dumps(store_dir)}",
        f"  sync_interval: {sync_interval}",
        "}",
    ]
    if monitor is not None:
        lines.append(f"http: {json.dumps(monitor)}")
    if ports_dir is not None:
        lines.append(f"ports_file_dir: {json.dumps(ports_dir)}")
    if system_password is not None:
        login = f"user: {json.dumps(SYSTEM)}, password: {json.dumps(system_password)}"
        lines.append(f"accounts {{ $SYS {{ users: [ {{ {login} }} ] }} }}")
    return "\n".join(lines) + "\n" + authorization(passwords)


if __name__ == "__main__":
    print(server_config(listen="0.0.0.0:4222", store_dir="/data"), end="")
