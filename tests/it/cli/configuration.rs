//! Configuration by environment variables, as processes read it.

use std::io::Write as _;
use std::process::Command;

use tempfile::NamedTempFile;

use crate::support::backbone::new_database;
use crate::support::served::{MASTER_KEY, failing, run};

/// Every command that reads secrets, with arguments that parse.
const COMMANDS: [&[&str]; 18] = [
    &["serve"],
    &["migrate"],
    &["grant", "ann@example.org", "admin"],
    &["ban", "ann@example.org"],
    &["ingest", "/nowhere"],
    &["reindex"],
    &["rebuild"],
    &["keys", "rotate-master"],
    &["restore"],
    &["audit", "export"],
    &["audit", "show", "00000000-0000-0000-0000-000000000000"],
    &["audit", "diff", "00000000-0000-0000-0000-000000000000", "1", "2"],
    &["audit", "rotate-key"],
    &["audit", "keys"],
    &["audit", "checkpoint"],
    &["backup", "create", "--to", "/nowhere"],
    &["backup", "verify", "--to", "/nowhere"],
    &["backup", "restore", "--to", "/nowhere"],
];

/// A password that no text may show.
const CANARY: &str = "c4n4ry";

/// A command with nothing in its environment but the required secrets. Nothing listens where they point.
fn colloquy(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_colloquy"));
    command
        .env_clear()
        .args(arguments)
        .env("DATABASE_URL", format!("postgres://ann:{CANARY}@127.0.0.1:1/none"))
        .env("NATS_URL", format!("nats://ann:{CANARY}@127.0.0.1:1"))
        .env("MASTER_KEY", MASTER_KEY);
    command
}

/// The help of a command among empty variables.
async fn help(command: &[&str], variables: &[&str]) -> String {
    let mut command = colloquy(&[command, &["--help"]].concat());
    command.envs(variables.iter().map(|variable| (variable, "")));
    let output = run(command).await;
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Names of the variables in the reference: secrets, or the others.
fn documented(secrets: bool) -> Vec<&'static str> {
    let reference = include_str!("../../../docs/configuration.md");
    let rows = reference.lines().filter(|line| line.contains("(secret)") == secrets);
    rows.filter_map(|row| row.strip_prefix("| `")?.split_once('`')).map(|(name, _)| name).collect()
}

#[tokio::test]
async fn every_command_reads_the_secrets_that_its_help_lists() {
    for command in COMMANDS {
        let help = help(command, &[]).await;
        let listed: Vec<_> =
            documented(true).into_iter().filter(|name| help.contains(&format!("\n      {name}\n"))).collect();
        assert!(listed.contains(&"DATABASE_URL"), "{help}");
        for name in listed {
            let mut both = colloquy(command);
            both.env(name, "value").env(format!("{name}_FILE"), "/nowhere");
            let error = failing(both).await;
            assert!(error.contains(&format!("{name} and {name}_FILE are both set")), "{command:?}: {error}");
        }
    }
}

#[tokio::test]
async fn the_help_of_serve_lists_every_variable_and_no_value() {
    // Backups are no matter of the service.
    let of_backups = |name: &&str| name.starts_with("BACKUP_") || *name == "SCRATCH_DATABASE_URL";
    let [secrets, settings] = [true, false]
        .map(|secrets| documented(secrets).into_iter().filter(|name| !of_backups(name)).collect::<Vec<_>>());
    // An empty variable counts as unset, and is listed all the same.
    for help in [help(&["serve"], &[]).await, help(&["serve"], &settings).await] {
        for name in &secrets {
            assert!(help.contains(&format!("\n      {name}\n")), "{name} is missing: {help}");
        }
        for name in &settings {
            assert!(help.contains(&format!("[env: {name}]")), "{name} is missing: {help}");
        }
        assert!(!help.contains(CANARY) && !help.contains(MASTER_KEY), "{help}");
    }
}

#[tokio::test]
async fn an_empty_variable_counts_as_unset() {
    let mut serve = colloquy(&["serve"]);
    serve.envs(documented(false).into_iter().chain(documented(true)).map(|name| (name, " ")));
    let error = failing(serve).await;
    assert!(error.contains("DATABASE_URL is not set"), "{error}");
}

#[tokio::test]
async fn an_error_names_the_variable() {
    let wrong = [
        ("RETENTION_DAYS", "soon"),
        ("LISTEN", "localhost"),
        ("LOG_FORMAT", "xml"),
        ("LOG", "a=b=c"),
        ("MASTER_KEY", "2a2a"),
        ("AUDIT_SIGNING_KEY", "2a2a"),
    ];
    for (name, value) in wrong {
        let mut serve = colloquy(&["serve"]);
        serve.env(name, value);
        let error = failing(serve).await;
        assert!(error.contains(name), "{name}: {error}");
    }
    let mut serve = colloquy(&["serve"]);
    serve.env("MODEL_URL", "http://127.0.0.1:1/v1");
    let error = failing(serve).await;
    assert!(error.contains("MODEL_NAME"), "{error}");
}

#[tokio::test]
async fn a_model_of_the_file_with_the_name_of_the_configured_one_is_refused() {
    let file = NamedTempFile::new().unwrap();
    let model = |name: &str| format!("[[models]]\nname = \"{name}\"\nurl = \"http://127.0.0.1:1/v1\"\n");
    write!(file.as_file(), "{}{}", model("Small"), model("Large")).unwrap();
    let mut serve = colloquy(&["serve"]);
    serve.env("MODELS", file.path()).env("MODEL_URL", "http://127.0.0.1:1/v1").env("MODEL_NAME", "Large");
    let error = failing(serve).await;
    assert!(error.contains("MODELS has a model with the name \"Large\""), "{error}");
}

#[tokio::test]
async fn a_value_that_cannot_work_ends_the_start_with_the_name_of_its_variable() {
    for (name, value) in [
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://chat.example.org/path"),
        ("PUBLIC_URL", "chat.example.org"),
        ("AUTH_URL", "localhost:4000"),
        ("WEB_DIR", "/nowhere"),
        ("RETENTION_DAYS", "100000000"),
        ("WORKER_CONCURRENCY", "0"),
        ("WORKER_CONCURRENCY", "18446744073709551615"),
        ("DATABASE_CONNECTIONS", "0"),
        ("MAX_CONNECTIONS", "0"),
        ("EMBEDDING_BATCH", "0"),
        ("MODEL_CONTEXT", "0"),
        ("MODEL_PROMPT_PRICE", "-1"),
        ("MODEL_COMPLETION_PRICE", "inf"),
        ("NATS_PREFIX", "a.b"),
        ("QDRANT_PREFIX", "a/b"),
        ("QDRANT_URL", "localhost"),
        ("FILES_URL", "/files"),
        ("AWS_ENDPOINT_URL", "minio"),
    ] {
        let mut serve = colloquy(&["serve"]);
        serve.env(name, value);
        let output = run(serve).await;
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}={value}: {error}");
        let flag = format!("--{}", name.to_lowercase().replace('_', "-"));
        assert!(error.contains(&flag) || error.contains(name), "{name}={value}: {error}");
    }
}

/// What operators write by mistake. The address is in use, so that a command whose settings are accepted
/// fails by itself, before it connects to anything.
#[tokio::test]
async fn no_value_of_a_setting_makes_the_process_panic() {
    let values = ["0", "-1", "18446744073709551615", "*", "a b", "http://", "é"];
    let in_use = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = in_use.local_addr().unwrap().to_string();
    for name in documented(false) {
        for value in values {
            let mut serve = colloquy(&["serve"]);
            serve.env("LISTEN", &address).env(name, value);
            let error = failing(serve).await;
            assert!(!error.contains("panicked"), "{name}={value}: {error}");
            assert!(!error.contains(CANARY), "{name}={value}: {error}");
        }
    }
}

#[tokio::test]
async fn a_secret_is_not_an_argument() {
    for name in documented(true) {
        let flag = format!("--{}", name.to_lowercase().replace('_', "-"));
        let error = failing(colloquy(&["serve", &flag, "value"])).await;
        assert!(error.contains("unexpected argument"), "{flag}: {error}");
    }
}

#[tokio::test]
async fn a_secret_is_read_from_a_file() {
    let file = NamedTempFile::new().unwrap();
    let migrate = || {
        let mut command = colloquy(&["migrate"]);
        command.env_remove("DATABASE_URL").env("DATABASE_URL_FILE", file.path());
        command
    };
    let error = failing(migrate()).await;
    assert!(error.contains("DATABASE_URL_FILE") && error.contains("is empty"), "{error}");
    writeln!(file.as_file(), "{}", new_database().await).unwrap();
    let migrated = run(migrate()).await;
    assert!(migrated.status.success(), "{migrated:?}");
}

#[tokio::test]
async fn the_log_never_shows_a_password() {
    let mut rebuild = colloquy(&["rebuild"]);
    rebuild.env("LOG", "trace");
    let log = failing(rebuild).await;
    assert!(log.contains("attempting connection") && log.contains("127.0.0.1:1"), "{log}");
    assert!(!log.contains(CANARY), "{log}");
}
