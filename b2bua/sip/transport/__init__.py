"""Sockets that carry SIP, and what stands for them in tests."""
