"""What all tests share: one torch thread, so that tests are repeatable and leave the other core alone."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
