"""Expenses: from a photo of a receipt to an approved, exported report. The model extracts; code decides."""
