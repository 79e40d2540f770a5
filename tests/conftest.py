"""For all tests."""

from hypothesis import settings

# How long one example takes says more of the machine than of the rule: beside other work it may take any time.
settings.register_profile("bridge", settings.default, deadline=None)
settings.load_profile("bridge")
