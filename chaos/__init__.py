"""`make chaos`: a storm over real processes, and a judge that reads what Slack shows when it is over."""
