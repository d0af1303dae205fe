"""`python -m bot …` is `assist …`: a Procfile needs no installed script."""

from bot.cli import main

main()
