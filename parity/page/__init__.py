"""The report as a page: parity-report/index.html, one file that needs nothing beside it and no network.

Reading order: `build` (gathers everything), `figures` (curves and heat maps, as SVG), `pictures` (what the scripts
drew), `documents` (figures printed elsewhere, beside ours), `checks` (conformance, mutants, random programs),
`templates/` (the page itself). `record` writes a run on a GPU to docs/results/.
"""
