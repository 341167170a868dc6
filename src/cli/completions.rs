//! `colloquy completions` and `colloquy man`: generated from the definition of the command line.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// Shell whose script is printed.
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// Existing folder for the pages: one for each command.
    folder: PathBuf,
}

/// Prints the script.
pub(super) fn completions(CompletionsArguments { shell }: &CompletionsArguments, mut command: Command) {
    clap_complete::generate(*shell, &mut command, "colloquy", &mut std::io::stdout());
}

/// Writes the pages.
pub(super) fn man(ManArguments { folder }: &ManArguments, command: Command) -> anyhow::Result<()> {
    clap_mangen::generate_to(command, folder)
        .with_context(|| format!("the pages cannot be written into {}", folder.display()))
}
