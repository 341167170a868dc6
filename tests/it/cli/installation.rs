//! Programs of an installation: `colloquy up`, its health check, its version and its pages.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::backbone::new_database;
use crate::support::product::configuration;
use crate::support::served::{MASTER_KEY, command, failing, run};
use crate::support::service;
use crate::support::waiting::until;

/// An installation over the services of the run, with a folder, accounts and a database of its own.
struct Installation {
    url: String,
    child: Child,
    folder: TempDir,
}

impl Installation {
    async fn up() -> Self {
        let database_url = new_database().await;
        let folder = tempfile::tempdir().unwrap();
        let address = embedded::free_port().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("auth/src/main.js");
        let child = colloquy(&["up", "--account-service"])
            .arg(script)
            .env("DATABASE_URL", &database_url)
            .env("NATS_URL", service("COLLOQUY_TEST_NATS_URL"))
            .env("NATS_PREFIX", format!("t{}", uuid::Uuid::now_v7().simple()))
            .env("QDRANT_URL", service("COLLOQUY_TEST_QDRANT_URL"))
            .env("LISTEN", address.to_string())
            .env("PUBLIC_URL", format!("http://{address}"))
            .env("DATA_DIR", folder.path().join("data"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { url: format!("http://{address}"), child, folder }
    }

    /// Waits until accounts can be made, as a browser does it.
    async fn until_somebody_signs_up(&self) {
        let http = reqwest::Client::new();
        let email = format!("{}@example.org", uuid::Uuid::now_v7().simple());
        let person = json!({"email": email, "password": "correct horse battery", "name": "Ann"});
        until("somebody signs up", async || {
            let request =
                http.post(format!("{}/api/auth/sign-up/email", self.url)).header("origin", &self.url);
            request.json(&person).send().await.ok().filter(|response| response.status().is_success())
        })
        .await;
    }

    async fn until_the_account_service_runs(&self, except: Option<i32>) -> i32 {
        until("the account service runs", async || {
            children(self.child.id()).into_iter().find(|child| Some(*child) != except && is_node(*child))
        })
        .await
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn colloquy(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_colloquy"));
    command.args(arguments);
    command
}

fn children(process: u32) -> Vec<i32> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let children = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    children
        .flat_map(|list| list.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<_>>())
        .collect()
}

/// Whether a process runs Node. It has another program for a moment, until it executes its own.
fn is_node(process: i32) -> bool {
    program(process).is_some_and(|path| path.file_name().is_some_and(|name| name == "node"))
}

fn program(process: i32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{process}/exe")).ok()
}

fn signal(process: i32, signal: Signal) {
    kill_process(Pid::from_raw(process).unwrap(), signal).unwrap();
}

#[tokio::test]
async fn up_runs_everything_but_databases_and_starts_a_killed_account_service_again() {
    let mut installation = Installation::up().await;
    installation.until_somebody_signs_up().await;
    let data = installation.folder.path().join("data");
    assert_eq!(std::fs::read_to_string(data.join("master_key")).unwrap().len(), 64);
    assert!(data.join("better_auth_secret").is_file());
    let first = installation.until_the_account_service_runs(None).await;
    let environment = std::fs::read_to_string(format!("/proc/{first}/environ")).unwrap();
    assert!(environment.contains("DATABASE_URL=") && !environment.contains("MASTER_KEY"), "{environment}");
    signal(first, Signal::KILL);
    let second = installation.until_the_account_service_runs(Some(first)).await;
    installation.until_somebody_signs_up().await;
    signal(installation.child.id().cast_signed(), Signal::TERM);
    let status =
        until("the installation has ended", || std::future::ready(installation.child.try_wait().unwrap()))
            .await;
    assert!(status.success(), "{status}: {}", installation.log());
    assert_eq!(program(second), None, "the account service is left");
    assert!(!installation.log().contains("did not end in time"), "{}", installation.log());
}

#[tokio::test]
async fn no_account_service_is_left_when_up_is_killed() {
    let mut installation = Installation::up().await;
    let node = installation.until_the_account_service_runs(None).await;
    installation.child.kill().unwrap();
    until("the account service has ended", async || program(node).is_none().then_some(())).await;
}

#[tokio::test]
async fn up_says_that_there_is_no_account_service_beside_the_program() {
    let error = failing(colloquy(&["up"])).await;
    assert!(error.contains("there is no account service beside this program"), "{error}");
}

#[tokio::test]
async fn a_process_without_the_api_role_answers_the_health_check() {
    let mut config = configuration(new_database().await);
    let address: SocketAddr = embedded::free_port().unwrap();
    config.admin_listen = Some(address);
    let check = |more: &'static [&'static str]| {
        let mut command = colloquy(&["healthcheck"]);
        command.args(more).env("ADMIN_LISTEN", address.to_string());
        command
    };
    let error = failing(check(&[])).await;
    assert!(error.contains("no answer at"), "{error}");
    let mut serve = command(&config, MASTER_KEY);
    serve.args(["serve", "--role", "projector"]).env("ADMIN_LISTEN", address.to_string());
    let mut projector = serve.stderr(Stdio::null()).spawn().unwrap();
    let ready = until("the projector is ready", async || {
        let output = run(check(&[])).await;
        output.status.success().then_some(output.stdout)
    })
    .await;
    let ready: Value = serde_json::from_slice(&ready).unwrap();
    assert_eq!(ready["dependencies"]["postgres"], json!({"status": "ok"}), "{ready}");
    assert!(run(check(&["--live"])).await.status.success());
    projector.kill().unwrap();
    projector.wait().unwrap();
}

#[tokio::test]
async fn the_version_names_its_origin() {
    let output = run({
        let mut command = colloquy(&["version", "--json"]);
        command.env_clear();
        command
    })
    .await;
    let version: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert!(version["features"].as_array().unwrap().contains(&json!("jemalloc")), "{version}");
    assert!(version["commit"].is_null() || version["commit"].as_str().unwrap().len() >= 40, "{version}");
}

#[tokio::test]
async fn completions_and_man_pages_name_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let written = run({
        let mut command = colloquy(&["man"]);
        command.arg(folder.path());
        command
    })
    .await;
    assert!(written.status.success(), "{written:?}");
    for shell in ["bash", "zsh", "fish"] {
        let script = String::from_utf8(run(colloquy(&["completions", shell])).await.stdout).unwrap();
        for name in ["serve", "up", "migrate", "healthcheck", "audit"] {
            assert!(script.contains(name), "{shell}: {name}");
            assert!(folder.path().join(format!("colloquy-{name}.1")).is_file(), "{name}");
        }
    }
}
