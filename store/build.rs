//! Rebuilds the crate when a migration is added: the macro that embeds migrations watches existing files only.

fn main() {
    println!("cargo::rerun-if-changed=../migrations");
}
