"""Routes: one router per family of pages."""
