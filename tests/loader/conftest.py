"""Builds to load from: shards with the real writer, and a whole small build."""
