//! The configuration file, as processes read it.

use std::io::Write as _;
use std::process::Command;

use serde_json::Value;
use tempfile::NamedTempFile;

use crate::support::backbone::new_database;
use crate::support::served::{MASTER_KEY, failing, run};

/// A password that no text may show.
const CANARY: &str = "c4n4ry";

fn file(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    file.as_file().write_all(text.as_bytes()).unwrap();
    file
}

/// A command with nothing in its environment.
fn colloquy(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_colloquy"));
    command.env_clear().args(arguments);
    command
}

fn secrets() -> String {
    format!(
        "DATABASE_URL = 'postgres://ann:{CANARY}@127.0.0.1:1/none'\nNATS_URL = 'nats://ann:{CANARY}@127.0.0.1:1'\n\
         MASTER_KEY = '{MASTER_KEY}'\n"
    )
}

/// The settings in force by name: value and origin.
async fn in_force(mut command: Command, flags: &[&str]) -> impl Fn(&str) -> (Value, String) {
    command.args(["config", "check", "--json"]).args(flags);
    let output = run(command).await;
    assert_eq!(output.status.code(), Some(1), "nothing listens there: {output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(!printed.contains(CANARY) && !printed.contains(MASTER_KEY), "{printed}");
    let printed: Value = serde_json::from_str(&printed).unwrap();
    move |name| {
        let all = printed["settings"].as_array().unwrap();
        let setting = all.iter().find(|setting| setting["name"] == name).unwrap();
        (setting["value"].clone(), setting["origin"].as_str().unwrap().to_owned())
    }
}

#[tokio::test]
async fn a_flag_takes_precedence_over_the_environment_over_the_file_over_the_default() {
    let text = secrets()
        + "RETENTION_DAYS = 3\nMAX_CONNECTIONS = 300\nWORKER_CONCURRENCY = 3\nEMBEDDING_MODEL_DIR = '/none'\n\
           MODEL_CONTEXT = 3_000\nCORS_ORIGINS = ['https://a.example', 'https://b.example']\nLOG = 'warn'";
    let file = file(&text);
    let path = file.path().display().to_string();
    let mut command = colloquy(&["--config", &path]);
    command.envs([("RETENTION_DAYS", "2"), ("MAX_CONNECTIONS", "200"), ("MODEL_CONTEXT", " ")]);
    let in_force = in_force(command, &["--retention-days", "1", "--log=error"]).await;
    for (name, value, origin) in [
        ("RETENTION_DAYS", "1", "flag"),
        ("LOG", "error", "flag"),
        ("MAX_CONNECTIONS", "200", "environment"),
        ("WORKER_CONCURRENCY", "3", path.as_str()),
        ("MODEL_CONTEXT", "3000", path.as_str()),
        ("CORS_ORIGINS", "https://a.example,https://b.example", path.as_str()),
        ("DATABASE_URL", "postgres://********@127.0.0.1:1/none", path.as_str()),
        ("MASTER_KEY", "********", path.as_str()),
        ("NATS_PREFIX", "colloquy", "default"),
    ] {
        assert_eq!(in_force(name), (value.into(), origin.to_owned()), "{name}");
    }
    assert_eq!(in_force("WEB_DIR"), (Value::Null, "default".to_owned()));
}

#[tokio::test]
async fn a_secret_of_the_environment_replaces_that_of_the_file_in_whatever_form() {
    let (other, key) = (file("nats://127.0.0.1:1/other"), file(MASTER_KEY));
    let text = format!(
        "DATABASE_URL = 'postgres://127.0.0.1:1/none'\nNATS_URL = 'nats://127.0.0.1:1'\nMASTER_KEY_FILE = '{}'",
        key.path().display()
    );
    let file = file(&text);
    let mut command = colloquy(&[]);
    command.env("COLLOQUY_CONFIG", file.path()).env("NATS_URL_FILE", other.path());
    let in_force = in_force(command, &[]).await;
    assert_eq!(in_force("NATS_URL"), ("nats://127.0.0.1:1/other".into(), "environment".into()));
    let path = file.path().display().to_string();
    assert_eq!(in_force("MASTER_KEY"), ("********".into(), path));
}

#[tokio::test]
async fn every_command_reads_its_settings_from_the_file() {
    let file = file(&format!("DATABASE_URL = '{}'", new_database().await));
    let mut migrate = colloquy(&["migrate"]);
    migrate.env("COLLOQUY_CONFIG", file.path());
    let output = run(migrate).await;
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn a_mistake_in_the_file_ends_every_start_with_the_name_and_the_place() {
    for (line, said) in [
        ("DATABSE_URL = 'x'", "line 4: DATABSE_URL is not a setting; the nearest name is DATABASE_URL"),
        ("NATS_PREFIX = ''", "line 4: NATS_PREFIX is empty"),
        ("RETENTION_DAYS = '30 days'", "not a whole number of days from 0 to 36500"),
        ("EXTRACTION_MEMORY = '512M'", "not a whole number of MiB"),
        ("MODEL_URL = 'http://127.0.0.1:1/v1'", "MODEL_URL is set and MODEL_NAME is not"),
        ("MASTER_KEY_FILE = '/none'", "MASTER_KEY and MASTER_KEY_FILE are both set"),
    ] {
        let file = file(&(secrets() + line));
        for command in ["serve", "reindex"] {
            // `reindex` does not have these.
            if command == "reindex" && (line.starts_with("RETENTION") || line.starts_with("MODEL")) {
                continue;
            }
            let path = file.path().display().to_string();
            let error = failing(colloquy(&["--config", &path, command])).await;
            assert!(error.contains(said) && !error.contains(CANARY), "{line}: {error}");
            if line.starts_with("EXTRACTION") {
                assert!(error.contains(&format!("EXTRACTION_MEMORY is set in {path}")), "{error}");
            }
        }
    }
    let error = failing(colloquy(&["--config", "/nowhere.toml", "serve"])).await;
    assert!(error.contains("configuration file /nowhere.toml cannot be read"), "{error}");
}

#[tokio::test]
async fn settings_that_contradict_each_other_are_refused_by_name() {
    for (lines, said) in [
        ("MODEL_NAME = 'm'", "MODEL_NAME is set and MODEL_URL is not"),
        ("MODEL_API_KEY = 'k'", "MODEL_API_KEY is set and MODEL_URL is not"),
        ("EMBEDDING_PREVIOUS_URL = 'http://a.example'", "EMBEDDING_PREVIOUS_NAME is not"),
        ("FILES_URL = 's3://bucket'\nAWS_ACCESS_KEY_ID = 'k'", "AWS_SECRET_ACCESS_KEY is not"),
        (
            "MAX_CONNECTIONS = 10\nMAX_ANONYMOUS_CONNECTIONS = 20",
            "MAX_ANONYMOUS_CONNECTIONS must not be larger",
        ),
        ("WORKER_CONCURRENCY = 2\nWORKER_ANSWERS_PER_PERSON = 3", "WORKER_ANSWERS_PER_PERSON is 3"),
        (&format!("MASTER_KEY_PREVIOUS = '{MASTER_KEY}'"), "MASTER_KEY and MASTER_KEY_PREVIOUS are the same"),
    ] {
        let file = file(&(secrets() + lines));
        let path = file.path().display().to_string();
        let output = run(colloquy(&["--config", &path, "serve"])).await;
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{lines}: {error}");
        assert!(error.contains(said), "{lines}: {error}");
    }
}
