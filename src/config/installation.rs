//! The files of a release around this program: `make dist` lays them out.
//!
//! ```text
//! release.json          marks the folder as a release
//! bin/colloquy          this program
//! lib/                  ONNX Runtime, PDFium, the account service, Node
//! share/                the page, the embedding models, prompts, units
//! ```

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::{Arg, Command};

/// Settings whose default is a file of the release, and its place there.
const DEFAULTS: [(&str, &str); 5] = [
    ("web_dir", "share/page"),
    ("embedding_model_dir", "share/model"),
    ("embedding_previous_model_dir", "share/model-minilm"),
    ("ort_dylib_path", "lib/libonnxruntime.so"),
    ("pdfium_library", "lib/libpdfium.so"),
];

static INSTALLATION: LazyLock<Option<Installation>> = LazyLock::new(|| {
    let program = std::env::current_exe().ok()?.canonicalize().ok()?;
    Installation::around(&program)
});

/// A release that is unpacked.
#[derive(Debug)]
pub struct Installation {
    defaults: Vec<(&'static str, PathBuf)>,
    account_service: PathBuf,
    node: PathBuf,
}

impl Installation {
    /// The release that this program belongs to; `None` for a program that cargo has built. Reads the file
    /// system once.
    pub fn of_this_program() -> Option<&'static Self> {
        INSTALLATION.as_ref()
    }

    fn around(program: &Path) -> Option<Self> {
        let root = program.parent()?.parent()?;
        root.join("release.json").is_file().then(|| Self {
            defaults: DEFAULTS
                .into_iter()
                .map(|(setting, place)| (setting, root.join(place)))
                .filter(|(_, path)| path.exists())
                .collect(),
            account_service: root.join("lib/accounts.mjs"),
            node: root.join("lib/node"),
        })
    }

    /// The script of the account service; `None` where the release has none, as in a container image.
    pub fn account_service(&self) -> Option<&Path> {
        Some(self.account_service.as_path()).filter(|path| path.is_file())
    }

    /// The program that runs it.
    pub fn node(&self) -> &Path {
        &self.node
    }

    fn default_of(&self, setting: &str) -> Option<&Path> {
        self.defaults.iter().find(|(name, _)| *name == setting).map(|(_, path)| path.as_path())
    }
}

/// Makes the files of the release the defaults of the settings that name them.
pub(super) fn with_files_of_the_release(command: Command) -> Command {
    match Installation::of_this_program() {
        Some(installation) => command.mut_args(|arg| with_default(arg, installation)),
        None => command,
    }
}

fn with_default(arg: Arg, installation: &'static Installation) -> Arg {
    match installation.default_of(arg.get_id().as_str()) {
        Some(path) => arg.default_value(path.as_os_str()),
        None => arg,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_release_are_the_defaults_of_their_settings() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["bin", "lib", "share/page"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let program = root.path().join("bin/colloquy");
        assert!(Installation::around(&program).is_none());
        std::fs::write(root.path().join("release.json"), "{}").unwrap();
        std::fs::write(root.path().join("lib/accounts.mjs"), "").unwrap();
        let installation = Installation::around(&program).unwrap();
        assert_eq!(installation.default_of("web_dir"), Some(&*root.path().join("share/page")));
        assert_eq!(installation.default_of("embedding_model_dir"), None, "the release has no model");
        assert_eq!(installation.account_service(), Some(&*root.path().join("lib/accounts.mjs")));
    }
}
