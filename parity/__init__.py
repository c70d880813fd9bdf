"""Runs one training script on several engines and says, at every step, whether they agree.

Reading order: `records` (what an engine reports), `recorder` and `widening` (how, in the engine's process),
`worker` and `engines` (the process), `tolerances` and `compare` (the judgement), `lines` (printed lines),
`report` and `plots` (what a person sees), `__main__` (the command).
"""
