"""The slot engine: whose time is free when, and which times are best. Pure: no I/O, no clock of its own."""
