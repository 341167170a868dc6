"""The Qdrant engine behind Qdrant's gRPC, for development and tests."""
