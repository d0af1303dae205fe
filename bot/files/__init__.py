"""From a file in Slack to one that the model can search, see or compute with, and back out again."""
