"""Advice from a score and its faults: accept or retake by a table of costs, one plain sentence per measured fault, two languages.

Only what was measured is said, and only above the threshold where its precision is .8. Framing and distance are never judged here:
they need people's answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

from train.scoring import OUT_OF_RANGE, Score
from workspace.errors import UsageFault

LANGUAGES = ("en", "es")
POOR = 4.0

SENTENCES: dict[str, dict[str, str]] = {
    "blur": {
        "en": "The photo is blurred: hold the camera still and tap the skin to focus.",
        "es": "La foto está borrosa: mantenga la cámara quieta y toque la piel en la pantalla para enfocar.",
    },
    "compression": {
        "en": "The photo was compressed too much: send the original file, not a copy from a messenger.",
        "es": "La foto está demasiado comprimida: envíe el archivo original, no una copia de una aplicación de mensajería.",
    },
    "pixelation": {
        "en": "The photo has too few pixels: use the camera's full resolution and no digital zoom.",
        "es": "La foto tiene muy pocos píxeles: use la resolución completa de la cámara, sin zoom digital.",
    },
    "over_sharpening": {
        "en": "The photo was sharpened too much: turn off filters and enhancement.",
        "es": "La foto tiene demasiado realce de nitidez: desactive los filtros y las mejoras.",
    },
    "too_bright": {
        "en": "The photo is too bright: turn off the flash or move out of direct light.",
        "es": "La foto está demasiado clara: apague el flash o evite la luz directa.",
    },
    "too_dark": {
        "en": "The photo is too dark: take it in daylight or turn on a lamp.",
        "es": "La foto está demasiado oscura: tómela con luz de día o encienda una lámpara.",
    },
    "colour": {
        "en": "The colours are off: turn off colour filters and use plain white light.",
        "es": "Los colores no son naturales: desactive los filtros de color y use luz blanca.",
    },
    "contrast": {
        "en": "The contrast is off: clean the lens, avoid light from behind, turn off filters.",
        "es": "El contraste no es correcto: limpie la lente, evite el contraluz y desactive los filtros.",
    },
}
NAMES: dict[str, dict[str, str]] = {
    "en": {fault: fault.replace("_", "-" if fault == "over_sharpening" else " ") for fault in SENTENCES},
    "es": {
        "blur": "borrosa", "compression": "compresión", "pixelation": "pocos píxeles", "over_sharpening": "exceso de nitidez",
        "too_bright": "demasiado clara", "too_dark": "demasiado oscura", "colour": "color", "contrast": "contraste",
    },
}  # fmt: skip
ADVICE: dict[str, dict[str, str]] = {
    "accept": {"en": "Accept the photo.", "es": "La foto se puede aceptar."},
    "retake": {"en": "Take the photo again.", "es": "Repita la foto."},
    "unsure": {
        "en": "No advice: the photo is unlike those that the model knows.",
        "es": "Sin recomendación: la foto no se parece a las que conoce el modelo.",
    },
    "none": {
        "en": "No advice: the model has too few validation images to weigh costs.",
        "es": "Sin recomendación: el modelo tiene muy pocas imágenes de validación para sopesar los costes.",
    },
}


@dataclass(frozen=True)
class Costs:
    """What a mistake costs: `accepted_poor` to keep a poor photo, `retaken_good` to ask again for a good one; any unit.

    A photo is poor when its true score on 1..10 is below `poor_below`.
    """

    accepted_poor: float = 4.0
    retaken_good: float = 1.0
    poor_below: float = POOR

    def __post_init__(self) -> None:
        if not (0 < self.accepted_poor < inf and 0 < self.retaken_good < inf):
            raise UsageFault(f"costs are {self.accepted_poor:g} and {self.retaken_good:g}: numbers above 0 were expected")
        if not 1 < self.poor_below < 10:
            raise UsageFault(f"poor_below is {self.poor_below:g}: a score between 1 and 10 was expected")

    @property
    def limit(self) -> float:
        """The probability of being poor at and above which asking again costs less than keeping the photo."""
        return self.retaken_good / (self.retaken_good + self.accepted_poor)


@dataclass(frozen=True)
class Diagnosis:
    """Advice on one photo: `advice` is accept, retake, unsure (out of range) or none (no validation residuals to weigh).

    `p_poor` is the probability of a true score below the table's limit; `sentences` by language, the likeliest fault first.
    """

    score: Score
    advice: str
    p_poor: float | None
    sentences: dict[str, tuple[str, ...]]

    def as_row(self) -> dict[str, Any]:
        """Plain values for JSON."""
        p = None if self.p_poor is None else round(self.p_poor, 4)
        return {**self.score.as_row(), "advice": self.advice, "p_poor": p, "sentences": dict(self.sentences)}


def diagnose(score: Score, p_poor: float | None, costs: Costs) -> Diagnosis:
    """Advice from a score with its faults and the probability that the photo is poor (`Calibration.below`)."""
    if OUT_OF_RANGE in score.flags:
        advice = "unsure"
    elif p_poor is None:
        advice = "none"
    else:
        advice = "retake" if p_poor >= costs.limit else "accept"
    sentences = {
        language: (ADVICE[advice][language], *(SENTENCES[fault][language] for fault in score.said)) for language in LANGUAGES
    }
    return Diagnosis(score, advice, p_poor, sentences)
