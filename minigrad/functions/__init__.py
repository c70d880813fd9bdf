"""torch.exp, torch.sum, torch.cat, ...: the functions, by kind. All are methods of Tensor, too."""
