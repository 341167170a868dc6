//! `colloquy metrics-reference`.

pub(super) fn run() {
    print!("{}", measures::reference());
}
