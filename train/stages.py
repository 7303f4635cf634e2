"""What the range check looks at: how strong each channel of each stage of the backbone is in a photo, and how it varies over it.

The last layer is trained to tell good from poor and forgets the rest; earlier stages still know what a photo shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

MOST = 5
LEAST_SPREAD = 1e-3


def with_stages(backbone: Any, ready: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A timm backbone's pooled output `(B, F)` for normalised pixels `(B, 3, S, S)`, and its stage features `(B, G)`.

    For each of at most five stages, evenly taken and the last among them: its channels' means, then the logarithms of their
    standard deviations over the places. A backbone that does not show its stages gives its pooled output for both.
    Source of features by layer: Lee et al., A simple unified framework for detecting out-of-distribution samples and adversarial
    attacks, NeurIPS 2018, section 2.2 (means alone).
    """
    import torch

    if not hasattr(backbone, "forward_intermediates"):
        pooled: torch.Tensor = backbone(ready)
        return pooled, pooled
    last, stages = backbone.forward_intermediates(ready)
    return backbone.forward_head(last), torch.cat([part for stage in taken(stages) for part in _described(stage)], dim=1)


def taken(stages: Sequence[Any]) -> list[Any]:
    """At most five of a sequence, evenly taken, the last among them."""
    count = min(MOST, len(stages))
    return [stages[(number + 1) * len(stages) // count - 1] for number in range(count)]


def _described(stage: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    spread = stage.float().std(dim=(2, 3), unbiased=False)
    return stage.float().mean(dim=(2, 3)), torch.log(spread + LEAST_SPREAD)
