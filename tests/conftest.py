"""Settings that every test shares."""

from hypothesis import settings

# Examples are the same on every run, and a busy machine is no failure: nothing here is timed.
settings.register_profile("tacit", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("tacit")
