"""The pages of the project in a real browser (make test-browser)."""
