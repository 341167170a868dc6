//! `colloquy version`.

use clap::Args;
use serde::Serialize;

/// Commit of the sources, which `make dist` gives to the compiler.
const COMMIT: Option<&str> = option_env!("COLLOQUY_COMMIT");

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Version, commit and features of this program.
#[derive(Debug, Serialize)]
struct Build {
    version: &'static str,
    /// `null` for a build outside of `make dist`.
    commit: Option<&'static str>,
    /// Processor and system.
    platform: String,
    features: Vec<&'static str>,
}

impl Build {
    fn of_this_program() -> Self {
        let features = [
            ("jemalloc", true),
            ("landlock", cfg!(target_os = "linux")),
            ("seccomp", cfg!(target_os = "linux")),
            ("fuzzing", cfg!(feature = "fuzzing")),
        ];
        Self {
            version: env!("CARGO_PKG_VERSION"),
            commit: COMMIT.filter(|commit| !commit.is_empty()),
            platform: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            features: features.into_iter().filter(|(_, is_on)| *is_on).map(|(name, _)| name).collect(),
        }
    }
}

pub(super) fn run(Arguments { json }: &Arguments) -> anyhow::Result<()> {
    let build = Build::of_this_program();
    if *json {
        println!("{}", serde_json::to_string(&build)?);
    } else {
        let Build { version, commit, platform, features } = build;
        let (commit, features) = (commit.unwrap_or("unknown"), features.join(", "));
        println!("colloquy {version} (commit {commit}, {platform}; {features})");
    }
    Ok(())
}
