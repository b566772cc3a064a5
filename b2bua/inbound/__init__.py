"""Who calls, which number, which destination; the loop that runs the steps until the caller is served."""
