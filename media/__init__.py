"""Audio and RTP: everything a caller hears. Knows nothing of SIP.

What numpy multiplies here are pieces of a few milliseconds. Shared out to a thread for each core, as its
OpenBLAS does unless told otherwise before it is imported, they cost many times the processor time.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
