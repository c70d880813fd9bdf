"""Runs one training script on several engines and says, at every step, whether they agree.

Reading order: `records` (what an engine reports), `recorder`, `sampling` and `widening` (how, in the engine's
process), `worker` and `engines` (the process), `tolerances`, `compare` and `lines` (the judgement), `lockstep`
(brings the streams together), `verdict`, `report` and `plots` (what a person sees), `__main__` (the command).
"""
