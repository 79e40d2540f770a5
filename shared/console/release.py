"""Which release this is: its heading in CHANGELOG.md, which the console shows in its footer."""

RELEASE = "Unreleased"
