"""The kinds of data: each answers where samples come from, which networks exist how to show it."""
