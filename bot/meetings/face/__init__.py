"""How meetings look in Slack: buttons, cards, forms, lists, the Home tab. Pure."""
