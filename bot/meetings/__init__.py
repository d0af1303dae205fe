"""Meetings: words in, good slots out, one press books one."""
