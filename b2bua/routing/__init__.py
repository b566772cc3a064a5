"""Where a call goes next: pure functions from a plan, facts and an outcome to a destination."""
