"""A small storm (see docs/chaos.md): everything of the large one but its size."""

from __future__ import annotations

from pathlib import Path

from chaos.run import Size, chaos

SEED = 7
SMALL = Size(talks=4, lines=2, channels=3, workers=2, spread=1.0, every=3.0, stall=3.0, quiet=1.0)


async def test_a_storm_costs_no_message_no_order_and_no_effect(tmp_path: Path) -> None:
    outcome = await chaos(SEED, SMALL, tmp_path)
    wrong = [str(v) for v in outcome.verdict.violations]
    assert not wrong, "\n".join([f"seed {SEED}; {tmp_path / 'transcript.json'}", *wrong])
    assert int(outcome.summary["messages"]) == SMALL.talks * SMALL.lines
    assert "2 × Valkey restarts" in outcome.summary["done to the processes"]
