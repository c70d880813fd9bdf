"""Runs one training script on several engines and says, at every step, whether they agree.

Reading order: `records` (what an engine reports), `recorder`, `frames`, `clocks`, `sampling` and `widening` (how, in
the engine's process), `surroundings`, `worker`, `forks` and `engines` (the process and its directory), `tolerances`,
`compare`, `lines` and `printed` (the judgement), `lockstep` (brings the streams together), `verdict`, `report`, `plots`
and `shown` (what a person sees), `page` (the same as index.html), `__main__` (the command), `pairs` (many scripts).
"""
