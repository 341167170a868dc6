//! Rebuilds the crate when a migration is added. The macro that embeds migrations watches existing files.

fn main() {
    println!("cargo::rerun-if-changed=../migrations");
}
