"""How well an engine understands what it has not learnt from.

`python -m tests.understanding.report services [FILE …]`
"""

import sys
from importlib import import_module

if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("Which engine? services, work (places and occupations), …")
    import_module(f"tests.understanding.report_{sys.argv[1]}").main(sys.argv[2:])
