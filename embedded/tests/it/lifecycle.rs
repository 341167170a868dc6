//! All services: failures are reported, restarts keep the address, and no process or file is left over.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use embedded::{DataDir, Error, Nats, Postgres, Program, Readiness, Service, free_port};

use crate::support::{parts, processes_on, wait_for};

#[tokio::test]
async fn nats_comes_back_at_the_same_address_and_forgets_when_wiped() {
    let (parts, data) = (parts().await, DataDir::temporary().unwrap());
    let nats = Nats::start(&parts, &data).await.unwrap();
    let url = nats.url();
    std::fs::write(nats.store().join("mark"), "").unwrap();
    nats.kill().await.unwrap();
    nats.start().await.unwrap();
    assert!(nats.store().join("mark").exists());
    nats.wipe().await.unwrap();
    assert!(!nats.store().join("mark").exists());
    assert_eq!(nats.url(), url);
    assert!(nats.is_running());
}

#[tokio::test]
async fn dropped_services_are_gone_with_their_temporary_data() {
    let (parts, data) = (parts().await, DataDir::temporary().unwrap());
    let path = data.path().to_owned();
    let services = (Postgres::start(&parts, &data).await.unwrap(), Nats::start(&parts, &data).await.unwrap());
    drop(data);
    assert!(path.exists());
    drop(services);
    assert_eq!(processes_on(&path), Vec::<String>::new());
    assert!(!path.exists());
}

#[tokio::test]
async fn a_service_that_ends_instead_of_starting_is_reported_with_its_log() {
    let data = DataDir::temporary().unwrap();
    let script = "seq 1 30; echo 'write failed: No space left on device'; exit 3";
    let program = shell("broken", free_port().unwrap(), script);
    let problem = Service::start_new(&data, program).await.unwrap_err().to_string();
    assert!(problem.contains("exit code 3"), "{problem}");
    assert!(problem.contains("the disk is full"), "{problem}");
    assert!(problem.contains("\n12\n") && !problem.contains("\n11\n"), "20 lines, not more: {problem}");
}

#[tokio::test]
async fn a_service_that_is_not_ready_in_time_is_ended() {
    let data = DataDir::temporary().unwrap();
    let program = shell("silent", free_port().unwrap(), "echo here; exec sleep 100")
        .start_within(Duration::from_secs(1));
    let problem = Service::start_new(&data, program).await.unwrap_err();
    assert!(matches!(&problem, Error::NotReady { log_tail, .. } if log_tail == "here"), "{problem}");
}

#[tokio::test]
async fn a_service_that_will_not_stop_is_killed() {
    let data = DataDir::temporary().unwrap();
    let script = "trap '' TERM; echo ready; while true; do sleep 0.1; done";
    let program = shell("stubborn", free_port().unwrap(), script).stop_within(Duration::from_millis(300));
    let service = Service::start_new(&data, program).await.unwrap();
    service.stop().await.unwrap();
    assert!(!service.is_running());
    assert!(service.failure().is_none(), "it was asked to end");
}

#[tokio::test]
async fn a_data_folder_is_locked_against_a_second_use() {
    let data = DataDir::temporary().unwrap();
    assert!(matches!(DataDir::open(data.path()), Err(Error::DataDirInUse(_))));
}

#[tokio::test]
async fn only_its_owner_may_read_a_secret() {
    use std::os::unix::fs::PermissionsExt as _;
    let data = DataDir::temporary().unwrap();
    let (path, secret) = data.secret("key").unwrap();
    assert_eq!(secret.len(), 64);
    assert_eq!(data.secret("key").unwrap(), (path.clone(), secret));
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}

/// Child processes end with a killed parent: the real binary is killed while its services run.
#[tokio::test]
async fn nothing_survives_a_killed_colloquy_dev() {
    let folder = own_folder("killed");
    let mut colloquy_dev = services_until_killed(&folder);
    wait_for("the services", || folder.join("ready").exists()).await;
    assert!(processes_on(&folder).iter().any(|line| line.contains("postgres")));
    colloquy_dev.kill().unwrap();
    colloquy_dev.wait().unwrap();
    wait_for("the end of all processes", || processes_on(&folder).is_empty()).await;
    // The next start on the same data succeeds.
    std::fs::remove_file(folder.join("ready")).unwrap();
    let mut again = services_until_killed(&folder);
    wait_for("the services again", || folder.join("ready").exists()).await;
    again.kill().unwrap();
    again.wait().unwrap();
    wait_for("the end of all processes", || processes_on(&folder).is_empty()).await;
    std::fs::remove_dir_all(folder).unwrap();
}

fn services_until_killed(folder: &Path) -> std::process::Child {
    let ready = format!("touch '{}'; exec sleep 1000", folder.join("ready").display());
    Command::new(env!("CARGO_BIN_EXE_colloquy-dev"))
        .args(["services", "--only", "nats", "--data"])
        .arg(folder)
        .args(["--", "sh", "-c", &ready])
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

fn own_folder(name: &str) -> PathBuf {
    let folder = embedded::repository()
        .unwrap()
        .join(".data/temporary")
        .join(format!("{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn shell(name: &'static str, address: SocketAddr, script: &str) -> Program {
    Program::new(name, "/bin/sh", address, Readiness::Prints("ready")).argument("-c").argument(script)
}
