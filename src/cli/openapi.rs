//! `colloquy openapi`.

use crate::api;

pub(super) fn run() {
    println!("{}", api::openapi());
}
