"""How loud what we play shall be. Signalling names these, and needs no numbers to be crunched for it."""

from __future__ import annotations

SPEECH_LUFS = -22.0
"""What speech is brought to: as loud as our own prompts."""
MUSIC_LUFS = -27.0
"""What music is brought to, as ours is: an announcement stands out from it."""
