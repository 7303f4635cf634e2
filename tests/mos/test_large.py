from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from mos.models import fit
from mos.scores import score_table
from mos.screening import observer_table
from mos.votes import Votes


@pytest.mark.slow
def test_a_large_sparse_study_needs_little_memory() -> None:
    """20,000 images by 400 observers, a tenth of the cells filled: scores, screening and models within 1 GB of arrays."""
    rng = np.random.default_rng(0)
    images, people = 20_000, 400
    cells = np.sort(rng.choice(images * people, images * people // 10, replace=False))
    stimulus, observer = cells // people, cells % people
    truth, bias = rng.uniform(2.5, 8.5, images), rng.normal(0, 0.5, people)
    score = np.clip(np.round(truth[stimulus] + bias[observer] + rng.normal(0, 1, len(cells))), 1, 10)
    names = tuple(f"s{j:05d}" for j in range(images))
    info = pd.DataFrame({"content": [f"c{j // 20}" for j in range(images)], "is_ref": np.arange(images) % 20 == 0}, index=names)
    votes = Votes(stimulus, observer, score, names, tuple(f"o{i:03d}" for i in range(people)), 1.0, 10.0, info=info)
    tracemalloc.start()
    table = score_table(votes)
    made = fit("P910", votes)
    people_table = observer_table(votes)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1e9
    assert len(people_table) == people
    assert table["mos"].notna().all()
    assert np.corrcoef(made.score, truth)[0, 1] > 0.98
    assert np.sqrt(np.mean((made.score - truth) ** 2)) < np.sqrt(np.mean((table["mos"] - truth) ** 2))
