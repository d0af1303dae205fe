"""What expenses and reports look like in Slack, and what people fill in and write there. Pure."""
