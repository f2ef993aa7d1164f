"""What a classifier finds among real messages that was trained on the twin of others.

    cd tests && python -m bench.texts [--seeds N]

Half of the messages of ``sms_spam`` are learned; on the other half are judged a classifier of spam
(logistic regression on TF-IDF of words) trained on the real half, on a twin of it, and on the twin
with its labels in another order (floor); and the lengths of texts, real and made. Needs the folder
``../shared`` beside the checkout, and says so where it is absent. Seeds are those of the halves.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

import synthlake

from .datasets import DATA


def trained(texts: list[str], spam: np.ndarray, test: pa.Table) -> tuple[float, float]:
    """Area under the ROC curve, and average precision, on real messages."""
    words = TfidfVectorizer(min_df=2)
    model = LogisticRegression(max_iter=1_000, C=10).fit(words.fit_transform(texts), spam)
    found = model.predict_proba(words.transform(test["text"].to_pylist()))[:, 1]
    return roc_auc_score(is_spam(test), found), average_precision_score(is_spam(test), found)


def is_spam(table: pa.Table) -> np.ndarray:
    """Which messages are."""
    return np.array(table["label"].to_pylist()) == "spam"


def lengths(texts: Any) -> np.ndarray:
    """Characters of texts, ascending."""
    return np.sort([len(text) for text in texts])


def measured(seed: int) -> dict[str, float]:
    """All figures of one division into halves."""
    whole = pq.read_table(next((DATA / "sms_spam").glob("*.parquet")))
    mine = pa.array(np.random.default_rng(seed).random(whole.num_rows) < 0.5)
    real, test = whole.filter(mine), whole.filter(pc.invert(mine))
    started = time.process_time()
    artifact = synthlake.fit({"sms": real}, seed=seed)
    learned = time.process_time() - started
    twin = artifact.sample(seed=seed)["sms"].to_arrow()
    out = {"learning, CPU-s": learned}
    order = np.random.default_rng(seed).permutation(twin.num_rows)
    for name, table, spam in (
        ("real", real, is_spam(real)), ("twin", twin, is_spam(twin)),
        ("floor", twin, is_spam(twin)[order]),
    ):  # fmt: skip
        found = trained(table["text"].to_pylist(), spam, test)
        out |= {f"AUC, {name}": found[0], f"average precision, {name}": found[1]}
    held = [lengths(table["text"].to_pylist()) for table in (real, twin, test)]
    grid = np.concatenate(held)
    shares = [np.searchsorted(one, grid, side="right") / len(one) for one in held]
    out["KS of lengths, twin"] = float(np.abs(shares[0] - shares[1]).max())
    out["KS of lengths, other half"] = float(np.abs(shares[0] - shares[2]).max())
    known = set(real["text"].to_pylist())
    out["texts of the real half, twin"] = float(
        np.mean([t in known for t in twin["text"].to_pylist()])
    )
    out["texts of the real half, other half"] = float(
        np.mean([t in known for t in test["text"].to_pylist()])
    )
    return out


def main() -> int:
    """Print the means of all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    if not (DATA / "sms_spam").is_dir():
        print(f"{DATA / 'sms_spam'} is not there: this benchmark needs the shared folder")
        return 0
    runs = [measured(seed) for seed in range(parser.parse_args().seeds)]
    print("| | mean | least | most |\n|---|---|---|---|")
    for name in runs[0]:
        some = [run[name] for run in runs]
        print(f"| {name} | {np.mean(some):.3f} | {min(some):.3f} | {max(some):.3f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
