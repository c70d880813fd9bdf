"""The divergence finder: `python -m parity bisect SCRIPT` names the operation at which two engines part.

The script runs on torch, once. Each call that it makes of torch's API is made again, at once and on equal inputs, on
every engine and on torch in float64, which judges; when backward reaches the call's result, the gradient that arrives
there goes through all of them, too. So nothing that an engine gets wrong spreads, and each error is seen where it is
made. Beside this the ordinary comparison (`parity.lockstep`) follows whole runs, for the growth of every error.

Reading order: `calls` (what is seen of a call), `replays` (the same call elsewhere), `judging` (whether an engine
errs), `updates` (steps of optimizers), `entries` (which of minigrad's rules it was), `watcher` (sees it all), `process`
(runs the script), `growth` (errors over the steps), `report`, `command`; `proof` plants wrong rules and looks for them.
"""
