"""A Slack workspace and an OpenAI API on localhost."""
