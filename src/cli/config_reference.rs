//! `colloquy config-reference`.

use crate::config::reference::reference;

pub(super) fn run() {
    print!("{}", reference());
}
