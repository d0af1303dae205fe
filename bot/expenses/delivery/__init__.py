"""What is to stand in people's direct messages: noted with the change that it tells of, brought to Slack afterwards."""
