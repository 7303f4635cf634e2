"""The score models by name: each takes votes and gives a Fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mos import models_bias, models_p910
from mos.additive import pieces
from mos.compat import SUREAL_MODELS
from mos.fits import Fit
from mos.gsd import gsd
from mos.models_full import mle_full
from mos.votes import Votes
from workspace.errors import UsageFault, nearest

MODELS: dict[str, Callable[[Votes], Fit]] = {
    "MOS": models_bias.mos,
    "ZS_MOS": models_bias.zs_mos,
    "BR_MOS_P913": models_bias.br_mos_p913,
    "LS": models_bias.least_squares,
    "P910": models_p910.p910,
    "MLE_CO_AP": models_p910.mle_co_ap,
    "P910_AP2": models_p910.p910_ap2,
    "MLE_CO_NR": models_p910.mle_co_nr,
    "MLE_FULL": mle_full,
    "DMOS": models_bias.dmos,
    "LIVE_DMOS": models_bias.live_dmos,
    "ZREC": models_bias.zrec,
    "GSD": gsd,
}
SLOW = frozenset({"MLE_FULL", "GSD"})
WITH_BIAS = frozenset({"BR_MOS_P913", "LS", "P910", "MLE_CO_AP", "P910_AP2", "MLE_CO_NR", "MLE_FULL"})


def check_model(name: str) -> None:
    """Raises UsageFault for a name that is no score model, with the nearest."""
    known = [*MODELS, *SUREAL_MODELS]
    if name not in known:
        raise UsageFault(f"score model {name!r} is not known{nearest(name, known)}: choose {', '.join(known)}")


def fit(name: str, votes: Votes) -> Fit:
    """One model on the votes as given (pass `votes.first()` for scores to publish). Raises UsageFault for a name."""
    check_model(name)
    made = (MODELS | SUREAL_MODELS)[name](votes)
    several = pieces(votes)[0] if name in WITH_BIAS else 1
    if several < 2:
        return made
    note = f"observers and images fall into {several} groups without a common image: scores of different groups can't be compared"
    return replace(made, notes=(*made.notes, note))
