//! Tells the linker to pack the addresses that the loader fills in, where the loader can read them so: an idle process holds
//! 4 MiB less.

use std::process::Command;

/// The first glibc whose loader reads packed relocations (its release notes for 2.36: `DT_RELR`).
const FIRST_GLIBC: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let builds_for_itself = std::env::var("HOST").ok() == std::env::var("TARGET").ok();
    if builds_for_itself && glibc().is_some_and(|version| version >= FIRST_GLIBC) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of the glibc on this machine, if it has one.
fn glibc() -> Option<(u32, u32)> {
    let asked = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let said = String::from_utf8(asked.stdout).ok()?;
    let (major, minor) = said.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}
