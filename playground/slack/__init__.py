"""A Slack workspace on localhost that speaks Slack's wire protocol."""

from playground.slack.calls import Call, Fault, Faults
from playground.slack.envelope import Envelope
from playground.slack.server import SlackServer
from playground.slack.state import Channel, File, Person
from playground.slack.workspace import Workspace

__all__ = ["Call", "Channel", "Envelope", "Fault", "Faults", "File", "Person", "SlackServer", "Workspace"]
