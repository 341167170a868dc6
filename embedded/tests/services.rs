//! The services themselves: that they start, come back after every kind of end, and leave nothing behind.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use embedded::{DataDir, Error, Nats, Parts, Postgres, Program, Readiness, Service, WithModel, free_port};

async fn parts() -> Parts {
    Parts::locate(WithModel::No)
        .await
        .expect("set-up finds the parts")
}

fn psql(parts: &Parts, url: &str, sql: &str) -> String {
    let output = Command::new(parts.postgres_bin.join("psql"))
        .env("PGCONNECT_TIMEOUT", "5")
        .args([
            "-X",
            "-A",
            "-t",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            url,
            "-c",
            sql,
        ])
        .output()
        .expect("psql runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The command lines of the processes that mention `path` in theirs.
fn processes_on(path: &Path) -> Vec<String> {
    let needle = path.to_string_lossy().into_owned();
    std::fs::read_dir("/proc")
        .expect("/proc is there")
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(&needle))
        .collect()
}

async fn wait_for(what: &str, mut reached: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !reached() {
        assert!(Instant::now() < deadline, "waited 30 s for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn postgres_keeps_what_was_committed_over_restart_and_kill() {
    let (parts, data) = (parts().await, DataDir::temporary().unwrap());
    let postgres = Postgres::start(&parts, &data).await.unwrap();
    let url = postgres.create_database("kept").await.unwrap();
    psql(
        &parts,
        &url,
        "CREATE TABLE kept (number int); INSERT INTO kept VALUES (1)",
    );
    postgres.restart().await.unwrap();
    psql(&parts, &url, "INSERT INTO kept VALUES (2)");
    postgres.kill().await.unwrap();
    assert!(!postgres.is_running());
    postgres.start().await.unwrap();
    assert_eq!(psql(&parts, &url, "SELECT sum(number) FROM kept"), "3");
}

#[tokio::test]
async fn the_pinned_postgres_serves_where_the_machine_has_none() {
    let script = embedded::repository().unwrap().join("setup/runtime.py");
    let output = Command::new("python3")
        .arg(script)
        .env("COLLOQUY_POSTGRES", "wheel")
        .output()
        .unwrap();
    let pinned: Parts = serde_json::from_slice(&output.stdout).expect("set-up prints the parts");
    assert!(
        pinned
            .postgres_bin
            .to_string_lossy()
            .contains("/runtime/postgres-")
    );
    let data = DataDir::temporary().unwrap();
    let postgres = Postgres::start(&pinned, &data).await.unwrap();
    let url = postgres.create_database("pinned").await.unwrap();
    assert!(psql(&pinned, &url, "SHOW server_version").starts_with("18."));
    postgres.restart().await.unwrap();
}

#[tokio::test]
async fn the_owner_role_is_bound_by_row_level_security_and_may_make_databases() {
    let (parts, data) = (parts().await, DataDir::temporary().unwrap());
    let postgres = Postgres::start(&parts, &data).await.unwrap();
    let url = postgres.create_database("owned").await.unwrap();
    let role = "SELECT rolsuper, rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname = current_user";
    assert_eq!(psql(&parts, &url, role), "f|f|t");
    assert_eq!(postgres.create_database("owned").await.unwrap(), url);
    let refused = postgres.create_database("x'; DROP DATABASE owned").await;
    assert!(matches!(refused, Err(Error::DatabaseName(_))));
}

#[tokio::test]
async fn what_people_wrote_stays_out_of_the_log_of_postgres() {
    let (parts, data) = (parts().await, DataDir::temporary().unwrap());
    let postgres = Postgres::start(&parts, &data).await.unwrap();
    let url = postgres.create_database("quiet").await.unwrap();
    psql(&parts, &url, "CREATE TABLE words (word text UNIQUE)");
    let twice = "INSERT INTO words VALUES ('canary'), ('canary')";
    let program = parts.postgres_bin.join("psql");
    let refused = Command::new(program)
        .args(["-X", "-d", &url, "-c", twice])
        .output()
        .unwrap();
    assert!(!refused.status.success());
    wait_for("the error in the log", || {
        postgres.log_tail(20).contains("duplicate key")
    })
    .await;
    assert!(!postgres.log_tail(100).contains("canary"));
}

#[tokio::test]
async fn postgres_starts_on_what_a_killed_machine_left() {
    let (parts, data) = (parts().await, DataDir::temporary().unwrap());
    let postgres = Postgres::start(&parts, &data).await.unwrap();
    postgres.kill().await.unwrap();
    drop(postgres);
    let pid_file = data.path().join("postgres/cluster/postmaster.pid");
    assert!(pid_file.exists(), "a killed server leaves its pid file");
    // By now the id belongs to another program: this one.
    let text = std::fs::read_to_string(&pid_file).unwrap();
    let rest = text.split_once('\n').unwrap().1;
    std::fs::write(&pid_file, format!("{}\n{rest}", std::process::id())).unwrap();
    // And the first start was once cut off.
    std::fs::create_dir(data.path().join("postgres/cluster.partial")).unwrap();
    Postgres::start(&parts, &data).await.unwrap();
}

#[tokio::test]
async fn a_paused_postgres_answers_nobody_and_goes_on_when_resumed() {
    let (parts, data) = (parts().await, DataDir::temporary().unwrap());
    let postgres = Postgres::start(&parts, &data).await.unwrap();
    let is_ready = || {
        let mut command = Command::new(parts.postgres_bin.join("pg_isready"));
        command.args([
            "-q",
            "-t",
            "1",
            "-h",
            "127.0.0.1",
            "-p",
            &postgres.address().port().to_string(),
        ]);
        command.status().unwrap().success()
    };
    assert!(is_ready());
    postgres.pause();
    assert!(!is_ready());
    assert!(postgres.is_running());
    postgres.resume();
    assert!(is_ready());
    postgres.pause();
    postgres.kill().await.unwrap();
    wait_for("the end of the paused processes", || {
        processes_on(data.path()).is_empty()
    })
    .await;
}

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
    let services = (
        Postgres::start(&parts, &data).await.unwrap(),
        Nats::start(&parts, &data).await.unwrap(),
    );
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
    assert!(
        problem.contains("\n12\n") && !problem.contains("\n11\n"),
        "20 lines, not more: {problem}"
    );
}

#[tokio::test]
async fn a_service_that_never_answers_is_given_up_and_ended() {
    let data = DataDir::temporary().unwrap();
    let program = shell("silent", free_port().unwrap(), "echo here; exec sleep 100")
        .start_within(Duration::from_secs(1));
    let problem = Service::start_new(&data, program).await.unwrap_err();
    assert!(
        matches!(&problem, Error::NotReady { log_tail, .. } if log_tail == "here"),
        "{problem}"
    );
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
async fn one_data_folder_serves_one_process_at_a_time() {
    let data = DataDir::temporary().unwrap();
    assert!(matches!(DataDir::open(data.path()), Err(Error::DataDirInUse(_))));
}

#[tokio::test]
async fn a_secret_is_kept_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let data = DataDir::temporary().unwrap();
    let (path, secret) = data.secret("key").unwrap();
    assert_eq!(secret.len(), 64);
    assert_eq!(data.secret("key").unwrap(), (path.clone(), secret));
    assert_eq!(
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

/// A process started by a killed one must not survive it: the real binary is killed among its real services.
#[tokio::test]
async fn nothing_survives_a_killed_colloquy_dev() {
    let folder = own_folder("killed");
    let mut colloquy_dev = services_until_killed(&folder);
    wait_for("the services", || folder.join("ready").exists()).await;
    assert!(processes_on(&folder).iter().any(|line| line.contains("postgres")));
    colloquy_dev.kill().unwrap();
    colloquy_dev.wait().unwrap();
    wait_for("the end of all processes", || processes_on(&folder).is_empty()).await;
    // And the next start on the same data is none the worse for it.
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
    Program::new(name, "/bin/sh", address, Readiness::Prints("ready"))
        .argument("-c")
        .argument(script)
}
