"""The voicemail step: greet, beep, record to disk while the caller speaks, tell the mailbox."""
