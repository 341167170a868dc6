//! Shared functions of the tests: runtime parts, queries and lists of processes.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use embedded::{Parts, WithModel};

pub(crate) async fn parts() -> Parts {
    Parts::locate(WithModel::No).await.expect("set-up finds the parts")
}

pub(crate) fn psql(parts: &Parts, url: &str, sql: &str) -> String {
    let output = Command::new(parts.postgres_bin.join("psql"))
        .env("PGCONNECT_TIMEOUT", "5")
        .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql])
        .output()
        .expect("psql runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The command lines that contain `path`.
pub(crate) fn processes_on(path: &Path) -> Vec<String> {
    let needle = path.to_string_lossy().into_owned();
    std::fs::read_dir("/proc")
        .expect("/proc is there")
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(&needle))
        .collect()
}

pub(crate) async fn wait_for(what: &str, mut reached: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !reached() {
        assert!(Instant::now() < deadline, "waited 30 s for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
