"""PlatformIO's own test runner lies among its tests and is none of pytest's."""

collect_ignore = ["test_custom_runner.py"]
