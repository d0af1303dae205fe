"""What the company's policy says: its file, its daily rates, its rules; and what was handed in before. Pure but for reading files at the start."""
