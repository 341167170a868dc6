//! Seeds, load and tables: how fast Colloquy is.

fn main() {}
