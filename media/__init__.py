"""Audio and RTP: everything a caller hears. Knows nothing of SIP."""
