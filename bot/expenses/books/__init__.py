"""The books of expenses: who may see and change what, in which state, with its audit event. All changes go through here."""
