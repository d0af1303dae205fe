"""What is kept of meetings: rights, states, versions, who is busy when; and what is to be told of each change."""
