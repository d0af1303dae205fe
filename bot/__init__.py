"""CorporateAssist: thinks, and never hears of Bolt."""
