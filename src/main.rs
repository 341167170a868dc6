//! The service: one binary, four roles.

fn main() {}
