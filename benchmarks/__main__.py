"""`python -m benchmarks`."""

from __future__ import annotations

import torch

from benchmarks import noise_pass, training_step

ROUNDS = 3

if __name__ == "__main__":
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print(f"{device.type}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    for contest in (training_step.contest, noise_pass.contest):
        print(contest(device).report(ROUNDS), flush=True)
