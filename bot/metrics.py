"""Every metric, on one screen. docs/operations.md explains each; a test compares."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.models import Usage

registry = CollectorRegistry()
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)

events = Counter(
    "assist_events_total", "Events received from Slack, by what became of them.", ["outcome"], registry=registry
)
turns = Counter("assist_turns_total", "Turns that ended, by outcome.", ["outcome"], registry=registry)
retries = Counter("assist_retries_total", "Turns put back to be tried again.", registry=registry)
tokens = Counter(
    "assist_tokens_total", "Tokens as OpenAI counts them, by kind and model.", ["kind", "model"], registry=registry
)
openai_waits = Counter(
    "assist_openai_waits_total", "Requests that waited for room in OpenAI's limits.", registry=registry
)
openai_refused = Counter("assist_openai_refused_total", "Requests that OpenAI refused with 429.", registry=registry)
edits = Counter("assist_edits_total", "Edits of growing answers.", registry=registry)
running = Gauge("assist_running_turns", "Turns that run in this process.", registry=registry)
first_text = Histogram(
    "assist_first_text_seconds", "From a turn's start to its first words in Slack.", buckets=SECONDS, registry=registry
)
turn_seconds = Histogram("assist_turn_seconds", "From a turn's start to its end.", buckets=SECONDS, registry=registry)
ready = Gauge("assist_queue_ready", "Threads that wait for a worker.", registry=registry)
leased = Gauge("assist_queue_leased", "Threads that a worker has leased.", registry=registry)
delayed = Gauge("assist_queue_delayed", "Threads that wait for a retry.", registry=registry)
dead = Gauge("assist_queue_dead", "Turns in the dead list.", registry=registry)
oldest = Gauge("assist_queue_oldest_seconds", "Age of the oldest thread that no worker has taken.", registry=registry)
lanes = Gauge("assist_queue_lanes", "Channels in which a thread waits in line.", registry=registry)
deliveries = Counter(
    "assist_deliveries_total",
    "Cards, words and files for people's direct messages, by outcome.",
    ["outcome"],
    registry=registry,
)
sockets = Gauge("assist_sockets", "Socket Mode connections of this process that are open.", registry=registry)
socket_rebuilds = Counter(
    "assist_socket_rebuilds_total",
    "Socket Mode connections lost without Slack's notice and opened anew.",
    registry=registry,
)


def count_tokens(model: str, usage: Usage) -> None:
    """Counts what a request, or several, cost."""
    for kind, count in (
        ("input", usage.input_tokens),
        ("cached", usage.cached_tokens),
        ("output", usage.output_tokens),
    ):
        tokens.labels(kind, model or "none").inc(count)


def page() -> bytes:
    """All metrics in Prometheus' text format."""
    return generate_latest(registry)
