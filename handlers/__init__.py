"""Slack to queue: parse, store, ack."""
