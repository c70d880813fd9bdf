"""torch.utils.data: data sets, the order in which to visit them, and the loader that makes batches.

Read `dataset.py` (what holds items), `sampler.py` (which item next), `collate.py` (items to a batch) and then
`dataloader.py`, which puts the three together.
"""

from . import collate, dataloader, dataset, sampler
from .collate import default_collate, default_convert
from .dataloader import DataLoader, get_worker_info
from .dataset import ConcatDataset, Dataset, IterableDataset, Subset, TensorDataset, random_split
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, SubsetRandomSampler, WeightedRandomSampler

# fmt: off
__all__ = ["BatchSampler", "collate", "ConcatDataset", "dataloader", "DataLoader", "dataset", "Dataset",
           "default_collate", "default_convert", "get_worker_info", "IterableDataset", "random_split", "RandomSampler",
           "sampler", "Sampler", "SequentialSampler", "Subset", "SubsetRandomSampler", "TensorDataset",
           "WeightedRandomSampler"]
# fmt: on
