"""The tests here borrow the random values and the client side of the wire's own tests."""

import sys
from pathlib import Path

WIRE = str(Path(__file__).resolve().parents[1] / "cloud" / "wire")
if WIRE not in sys.path:
    sys.path.append(WIRE)
