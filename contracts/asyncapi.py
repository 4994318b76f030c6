"""The AsyncAPI 3.0 description of all that is sent: events, frames and feeds, made from the structs. Pure.

`contracts/asyncapi.yaml` holds what this gives, and the gateway shows it under /asyncapi. Operations are told from
Coldopen's side: what it sends, others receive.
"""

import inspect
from typing import Any

import msgspec

from contracts.api import FeedError, Frame, HistoryItem, LoadingUpdate, Subscribe, Subscribed
from contracts.codec import CONTENT_TYPE, SOURCE
from contracts.events import EVENT_TYPES, Event, Part
from contracts.schemas import described
from contracts.subjects import FEED_SUBJECT, KEY_PATTERN, pattern_of

Node = dict[str, Any]

_OTHERS = (Frame, LoadingUpdate, Subscribe, Subscribed, FeedError, HistoryItem)
_STREAM = "loading-status-stream"
_SOCKET = "loading-status-socket"
_EVENTS = "events"


def document(version: str) -> Node:
    """The whole description, as JSON has it; `version` is Coldopen's."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Coldopen",
            "version": version,
            "description": "Add a series and it is there at once; its parts load behind it, live. /schema describes "
            "the HTTP API, contracts/README.md what holds of the log: order, delivery, and what may change.",
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": _servers(),
        "channels": {channel_of(kind): _event_channel(kind) for kind in EVENT_TYPES} | _other_channels(),
        "operations": {f"record-{channel_of(kind)}": _event_operation(kind) for kind in EVENT_TYPES}
        | _other_operations(),
        "components": {
            "messages": {kind.__name__: _event_message(kind) for kind in EVENT_TYPES} | _other_messages(),
            "schemas": _schemas(),
            "securitySchemes": {
                "api_key": {"type": "httpApiKey", "name": "X-Api-Key", "in": "header"},
                "bearer": {"type": "http", "scheme": "bearer"},
                "password": {"type": "userPassword", "description": "A user that may read the stream SERIES."},
            },
        },
    }


def channel_of(kind: type[Event]) -> str:
    """The name of the channel that a kind of event is recorded in: its tag without the version."""
    return _tag_of(kind).partition(".")[0]


def _tag_of(kind: type[Event]) -> str:
    return str(kind.__struct_config__.tag)


def _servers() -> Node:
    keys = [_ref("securitySchemes", "api_key"), _ref("securitySchemes", "bearer")]
    return {
        "log": {
            "host": "127.0.0.1:4222",
            "protocol": "nats",
            "description": "The stream SERIES in NATS JetStream; COLDOPEN_NATS_URL says where.",
            "security": [_ref("securitySchemes", "password")],
        },
        "gateway": {"host": "127.0.0.1:8787", "protocol": "http", "security": keys},
        "socket": {"host": "127.0.0.1:8787", "protocol": "ws", "security": keys},
    }


def _event_channel(kind: type[Event]) -> Node:
    address = pattern_of(kind)
    parameters: Node = {"key": {"description": f"The series' key: {KEY_PATTERN}, and not a reserved word."}}
    if "{part}" in address:
        parameters["part"] = {"description": "What was loaded.", "enum": [part.value for part in Part]}
    return {
        "address": address,
        "description": _about(kind),
        "servers": [{"$ref": "#/servers/log"}],
        "parameters": parameters,
        "messages": _listed(kind.__name__),
    }


def _other_channels() -> Node:
    return {
        "status": {
            "address": FEED_SUBJECT,
            "description": "What the projector tells gateways after each commit, on core NATS: nothing is kept of it.",
            "servers": [{"$ref": "#/servers/log"}],
            "messages": _listed("Frame"),
        },
        _STREAM: {
            "address": "/api/loading-status/stream",
            "description": "Server-sent events: the present state of each series (or what changed since "
            "Last-Event-ID), then every change, or the newest of each series while there are too many. `id` is "
            "`<log>-<position>`, ascending.",
            "servers": [{"$ref": "#/servers/gateway"}],
            "messages": _listed("LoadingUpdate", "Reset"),
        },
        _SOCKET: {
            "address": "/ws/loading-status",
            "description": "The same updates, of the series that the client names. Closes with 1008 without a key, "
            "1001 on shutdown, 1012 to have the client connect again, 1013 to have it try later.",
            "servers": [{"$ref": "#/servers/socket"}],
            "messages": _listed("Subscribe", "Subscribed", "FeedError", "LoadingUpdate"),
            "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
        },
        _EVENTS: {
            "address": "/api/events",
            "description": "The log itself over HTTP, one JSON object a line; an empty line is a sign of life.",
            "servers": [{"$ref": "#/servers/gateway"}],
            "messages": _listed("HistoryItem"),
        },
    }


def _event_operation(kind: type[Event]) -> Node:
    name = channel_of(kind)
    return _operation("send", name, _about(kind).partition("\n")[0], kind.__name__)


def _other_operations() -> Node:
    reply = {
        "channel": _channel(_SOCKET),
        "messages": [_listing(_SOCKET, "Subscribed"), _listing(_SOCKET, "FeedError")],
    }
    return {
        "tell-gateways": _operation("send", "status", "What changed, after each commit.", "Frame"),
        "stream-updates": _operation("send", _STREAM, "Every change, live.", "LoadingUpdate", "Reset")
        | _get(key="array", snapshot="boolean"),
        "take-subscriptions": _operation("receive", _SOCKET, "Which series a client wants.", "Subscribe")
        | {"reply": reply},
        "send-updates": _operation("send", _SOCKET, "Every change of those, live.", "LoadingUpdate"),
        "list-events": _operation("send", _EVENTS, "The log, and what is recorded from then on.", "HistoryItem")
        | _get(after_position="integer", limit="integer", key="string", type="string", follow="boolean"),
    }


def _operation(action: str, channel: str, summary: str, *messages: str) -> Node:
    return {
        "action": action,
        "channel": _channel(channel),
        "summary": summary,
        "messages": [_listing(channel, name) for name in messages],
    }


def _get(**query: str) -> Node:
    asked = {"type": "object", "properties": {name: {"type": kind} for name, kind in query.items()}}
    return {"bindings": {"http": {"method": "GET", "query": asked, "bindingVersion": "0.3.0"}}}


def _event_message(kind: type[Event]) -> Node:
    return _message(_tag_of(kind), kind) | {
        "headers": _ref("schemas", "EventHeaders"),
        "correlationId": {"location": "$message.header#/ce-correlationid"},
    }


def _other_messages() -> Node:
    reset = {
        "name": "reset",
        "title": "Reset",
        "summary": "The id given is of another log, or beyond its end: forget what you know, a snapshot follows.",
        "payload": {"type": "object", "maxProperties": 0},
    }
    return {kind.__name__: _message(kind.__name__, kind) for kind in _OTHERS} | {"Reset": reset}


def _message(name: str, kind: type[msgspec.Struct]) -> Node:
    return {
        "name": name,
        "title": kind.__name__,
        "summary": _about(kind).partition("\n")[0],
        "contentType": CONTENT_TYPE,
        "payload": _ref("schemas", kind.__name__),
    }


def _schemas() -> Node:
    _, found = msgspec.json.schema_components([*EVENT_TYPES, *_OTHERS], ref_template="#/components/schemas/{name}")
    found["Frame"]["properties"]["updates"]["items"] = _ref("schemas", "LoadingUpdate")  # encoded once, and so raw
    return {"EventHeaders": HEADERS} | {name: described(found[name]) for name in sorted(found)}


_TEXT = {"type": "string"}
HEADERS: Node = {
    "type": "object",
    "description": "CloudEvents 1.0 in NATS' binary mode, and what JetStream and tracing know them by.",
    "properties": {
        "Nats-Msg-Id": _TEXT | {"description": "The same as ce-id: the stream keeps one of a repeat."},
        "ce-id": _TEXT | {"description": "The event's id."},
        "ce-source": {"const": SOURCE},
        "ce-specversion": {"const": "1.0"},
        "ce-type": _TEXT | {"description": "The tag, as in the body's `type`."},
        "ce-time": _TEXT | {"format": "date-time", "description": "When it was written, by the writer's clock."},
        "ce-subject": _TEXT | {"description": "The series' key."},
        "ce-correlationid": _TEXT | {"description": "The same for all that one command set off."},
        "ce-causationid": _TEXT | {"pattern": "^[0-9]+$", "description": "The position of the cause, if there is one."},
        "traceparent": _TEXT | {"description": "W3C trace context, if the writer had one."},
        "content-type": {"const": CONTENT_TYPE},
    },
    "required": [
        "Nats-Msg-Id",
        "ce-id",
        "ce-source",
        "ce-specversion",
        "ce-type",
        "ce-time",
        "ce-subject",
        "ce-correlationid",
        "content-type",
    ],
}


def _about(kind: type[msgspec.Struct]) -> str:
    return inspect.getdoc(kind) or ""


def _ref(section: str, name: str) -> Node:
    return {"$ref": f"#/components/{section}/{name}"}


def _channel(name: str) -> Node:
    return {"$ref": f"#/channels/{name}"}


def _listed(*names: str) -> Node:
    return {name: _ref("messages", name) for name in names}


def _listing(channel: str, name: str) -> Node:
    return {"$ref": f"#/channels/{channel}/messages/{name}"}
