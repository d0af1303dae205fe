"""Where meetings are kept: the local one, a CalDAV server, Google, Microsoft 365."""
