"""The paper's model: an ImageNet backbone, two fully-connected layers with ReLU and dropout .5, one output (section 3.4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from train.stages import with_stages
from workspace.errors import MissingExtra

if TYPE_CHECKING:
    import torch

MIDDLE = 5.5
LEVELS = 10

SHORT = {
    "b0": "efficientnet_b0", "b3": "efficientnet_b3", "b5": "efficientnet_b5",
    "lite0": "tf_efficientnet_lite0", "lite1": "tf_efficientnet_lite1", "lite2": "tf_efficientnet_lite2",
}  # fmt: skip
PAPER_INPUT = {"efficientnet_b0": 224, "efficientnet_b3": 288, "efficientnet_b5": 448}


@dataclass(frozen=True)
class Shape:
    """What a model is made of. `input_size` in pixels (square); `mean` and `std` per RGB channel on values 0..1.

    `head` is `score` (one output) or `distribution` (ten outputs, a softmax over the levels 1..10, as NIMA has it);
    `dropout_place` is `both` (before each fully-connected layer) or `between` (after the ReLU alone).
    """

    backbone: str
    input_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    features: int
    hidden: int
    dropout: float
    dropout_place: str
    head: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Shape:
        """The inverse of `as_dict`."""
        return Shape(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])})


def full_name(model: str) -> str:
    """timm's name of a model: `b0` -> `efficientnet_b0`, `lite0` -> `tf_efficientnet_lite0`, others as they are."""
    return SHORT.get(model.lower(), model)


def short_name(model: str) -> str:
    """The name for tables: `B0`, `lite0`, else timm's own."""
    names = {full: (short.upper() if short.startswith("b") else short) for short, full in SHORT.items()}
    return names.get(model, model)


def native_input(model: str) -> int:
    """The input side in pixels: the paper's for B0, B3, B5; else what timm states for the model."""
    name = full_name(model)
    if name in PAPER_INPUT:
        return PAPER_INPUT[name]
    return int(_timm_cfg(name)["input_size"][1])


def _timm_cfg(name: str) -> dict[str, Any]:
    try:
        import timm
    except ModuleNotFoundError:
        raise MissingExtra("timm", "train") from None
    from train.weights import _known

    _known(timm, name)
    cfg: Any = timm.models.get_pretrained_cfg(name)
    return dict(cfg.to_dict())


def build(
    model: str, *, weights: str = "auto", input_size: int | None = None, hidden: int = 512, dropout: float = 0.5,
    dropout_place: str = "both", head: str = "score", seed: int = 0,
) -> tuple[torch.nn.Module, Shape, dict[str, str]]:  # fmt: skip
    """A new model with pretrained backbone, its shape and the origin of its weights; all that is drawn comes from `seed`.

    The last bias starts at the middle of the scale, 5.5: without it the first steps only teach the mean.
    Raises ModelFault (unknown model, no weights) and MissingExtra (no torch or timm).
    """
    from train.weights import load_backbone

    name = full_name(model)
    with drawn_from(seed):
        backbone, origin = load_backbone(name, weights)
    cfg = backbone.pretrained_cfg
    size = input_size or native_input(name)
    shape = Shape(
        backbone=name, input_size=size, mean=tuple(cfg["mean"]), std=tuple(cfg["std"]),
        features=_features(backbone, size), hidden=hidden, dropout=dropout, dropout_place=dropout_place, head=head,
    )  # fmt: skip
    return assemble(shape, backbone, seed=seed), shape, origin


def _features(backbone: torch.nn.Module, size: int) -> int:
    """How many features a backbone gives: asked of a black image, since `num_features` leaves out a head's own layer."""
    import torch

    with torch.inference_mode():
        return int(backbone.eval()(torch.zeros(1, 3, size, size)).shape[1])


def from_shape(shape: Shape) -> torch.nn.Module:
    """A model of this shape with random weights, ready to take a saved state."""
    try:
        import timm
    except ModuleNotFoundError:
        raise MissingExtra("timm", "train") from None
    return assemble(shape, timm.create_model(shape.backbone, pretrained=False, num_classes=0), seed=0)


def assemble(shape: Shape, backbone: torch.nn.Module, *, seed: int) -> torch.nn.Module:
    """Backbone, normalisation and head as one module: `(B, 3, S, S)` floats 0..255 -> `(B,)` scores on 1..10.

    `raw(x)` gives the head's own output (`(B, 1)` or `(B, 10)` logits); `features(x)` the pooled features `(B, F)`; `answer(x)` scores
    and the range check's features `(B, G)` from one pass.
    """
    import torch
    from torch import nn

    class QualityModel(nn.Module):
        """Normalise, extract features, score."""

        mean: torch.Tensor
        scale: torch.Tensor
        levels: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.backbone = backbone
            self.head = _head(shape, seed)
            self.register_buffer("mean", 255.0 * torch.tensor(shape.mean).view(1, 3, 1, 1), persistent=False)
            self.register_buffer("scale", 1.0 / (255.0 * torch.tensor(shape.std).view(1, 3, 1, 1)), persistent=False)
            self.register_buffer("levels", torch.arange(1.0, LEVELS + 1.0), persistent=False)

        def features(self, pixels: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.backbone((pixels - self.mean) * self.scale)
            return out

        def raw(self, pixels: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.head(self.features(pixels))
            return out

        def answer(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            pooled, stages = with_stages(self.backbone, (pixels - self.mean) * self.scale)
            return self.score(self.head(pooled)), stages

        def score(self, raw: torch.Tensor) -> torch.Tensor:
            if shape.head == "distribution":
                return (raw.float().softmax(1) * self.levels).sum(1)
            return raw.float().squeeze(1)

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return self.raw(pixels)

    return QualityModel()


@contextmanager
def drawn_from(seed: int) -> Iterator[None]:
    """Within it new weights are drawn from `seed` alone, whatever was drawn before; the global state is put back afterwards."""
    try:
        import torch
    except ModuleNotFoundError:
        raise MissingExtra("torch", "train") from None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _head(shape: Shape, seed: int) -> torch.nn.Module:
    from torch import nn

    outputs = LEVELS if shape.head == "distribution" else 1
    with drawn_from(seed):
        first, last = nn.Linear(shape.features, shape.hidden), nn.Linear(shape.hidden, outputs)
    if outputs == 1:
        nn.init.constant_(last.bias, MIDDLE)
    front = [nn.Dropout(shape.dropout)] if shape.dropout_place == "both" else []
    return nn.Sequential(*front, first, nn.ReLU(), nn.Dropout(shape.dropout), last)
