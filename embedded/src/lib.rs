//! The real services for development and tests, and colloquy-dev which starts them.
