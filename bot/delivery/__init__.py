"""What is to stand in Slack, or elsewhere, noted with the change that it tells of, brought there afterwards."""
