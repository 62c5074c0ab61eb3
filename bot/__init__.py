"""The runtime: messages in, turns, messages out, and everything that must not be lost on the way."""

import os

# our matrices are small: a second thread of numpy's linear algebra spins more than it computes. Before numpy loads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
