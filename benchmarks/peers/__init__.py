"""What people would pick instead of the platform: the same files in, the same facts out, measured side by side."""
