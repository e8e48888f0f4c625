"""All faults."""

from datetime import timedelta

from .answers import Fault
from .bodies import BODIES, ENCODINGS, SHAPES
from .connections import RESETS, SIZES, STALLS, TLS, TLS_STALLS
from .heads import HEADERS, LIMITS, REFUSALS, STATUSES

TABLE: dict[str, dict[str, Fault]] = {
    kind: {name: Fault(answer, **traits) for name, answer in answers.items()}
    for kind, answers, traits in (
        ("status", STATUSES, {}),
        ("limit", LIMITS, {"wait": timedelta(seconds=121)}),
        ("refusal", REFUSALS, {"refuses": True}),
        ("headers", HEADERS, {}),
        ("body", BODIES, {}),
        ("encoding", ENCODINGS, {}),
        ("shape", SHAPES, {}),
        ("size", SIZES, {}),
        ("stall", STALLS, {"stalls": True}),
        ("reset", RESETS, {}),
        ("TLS", TLS, {"tls": True}),
        ("stall in TLS", TLS_STALLS, {"tls": True, "stalls": True}),
    )
}
