"""How long things take on minigrad, on torch and elsewhere. Run `python -m benchmarks`.

    workloads.py, by_hand.py, operations.py, loading.py   what is timed
    engines.py, torch_engine.py, numpy_engine.py, peers/  who runs it
    cuda_graphs.py                                        torch, its step captured on a GPU
    worker.py, process.py                                 one engine in a process of its own, and who asks it
    cases.py, measure.py, fresh.py                        the cases, and how they are measured
    run.py                                                all of them
    goals.py, report.py, plots.py                         what came of it
    gpu.py, gpu_page.py, roofline.py, roofline_plot.py    on a GPU (make gpu), and what limits it there
"""
