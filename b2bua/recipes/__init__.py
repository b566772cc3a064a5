"""Ready offices: what happens to callers comes from a file, who they reach from whoever asks for one."""
