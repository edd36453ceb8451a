"""Makes ``digits.npz`` of the digits that scikit-learn carries: ``pictures`` ``(1797, 8, 8)`` with
17 grey levels from 0 to 16, ``labels`` ``(1797,)``; a training need not import scikit-learn for
them.

    python data/make_digits.py
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits


def main() -> None:
    """Write the file beside this one."""
    digits = load_digits()
    pictures, labels = digits.images.astype(np.uint8), digits.target.astype(np.uint8)
    np.savez_compressed(Path(__file__).with_name("digits.npz"), pictures=pictures, labels=labels)


if __name__ == "__main__":
    main()
