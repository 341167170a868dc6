//! The user that PostgreSQL runs as. PostgreSQL refuses to run as root, so root starts it as an ordinary
//! user; if that user cannot reach the files (a checkout or a cache in root's home), root adds a capability
//! to pass through folders.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;

use nix::unistd::{Uid, User};

use crate::{Error, Result};

const CAP_DAC_OVERRIDE: u32 = 1;
const CAP_DAC_READ_SEARCH: u32 = 2;

/// The user a service runs as.
#[derive(Debug, Clone, Default)]
pub(crate) enum RunAs {
    /// The user of this process.
    #[default]
    Myself,
    /// Another user than root, with `capability` if the user cannot reach the files without it.
    Other { uid: u32, gid: u32, capability: Option<&'static str> },
}

impl RunAs {
    /// An ordinary user that may own `data` and reach `programs`. An existing `data` keeps its owner.
    pub(crate) fn ordinary_user(data: &Path, programs: &Path) -> Result<Self> {
        if !Uid::effective().is_root() {
            return Ok(Self::Myself);
        }
        let (uid, gid) = match fs::metadata(data) {
            Ok(folder) if folder.uid() != 0 => (folder.uid(), folder.gid()),
            _ => unprivileged_user()?,
        };
        let parents_of_data = data.parent().unwrap_or(data);
        let capability = if can_pass(parents_of_data, uid, gid) && can_pass(programs, uid, gid) {
            None
        } else {
            Some(passing_capability()?)
        };
        Ok(Self::Other { uid, gid, capability })
    }

    /// Makes this user the owner of `path`.
    pub(crate) fn own(&self, path: &Path) -> Result<()> {
        match self {
            Self::Myself => Ok(()),
            Self::Other { uid, gid, .. } => {
                chown(path, Some(*uid), Some(*gid)).map_err(Error::io("given another owner", path))
            }
        }
    }

    /// The arguments of `setpriv` for this user.
    pub(crate) fn setpriv_arguments(&self) -> Vec<OsString> {
        let Self::Other { uid, gid, capability } = self else {
            return Vec::new();
        };
        let mut arguments =
            vec![format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()];
        if let Some(capability) = capability {
            // initdb looks for its companions by access(2), which ignores the capability without this bit.
            arguments.push("--securebits=+no_setuid_fixup".to_owned());
            arguments.push(format!("--inh-caps=-all,+{capability}"));
            arguments.push(format!("--ambient-caps=-all,+{capability}"));
        }
        arguments.into_iter().map(OsString::from).collect()
    }
}

fn unprivileged_user() -> Result<(u32, u32)> {
    for name in ["postgres", "nobody"] {
        if let Ok(Some(user)) = User::from_name(name) {
            return Ok((user.uid.as_raw(), user.gid.as_raw()));
        }
    }
    Err(Error::Unprivileged(
        "neither the user `postgres` nor `nobody` exists; run as an ordinary user instead".to_owned(),
    ))
}

/// Whether the user may pass through every folder from the root down to `folder`.
fn can_pass(folder: &Path, uid: u32, gid: u32) -> bool {
    folder.ancestors().filter_map(|ancestor| fs::metadata(ancestor).ok()).all(|ancestor| {
        let bits = if ancestor.uid() == uid {
            ancestor.mode() >> 6
        } else if ancestor.gid() == gid {
            ancestor.mode() >> 3
        } else {
            ancestor.mode()
        };
        bits & 1 == 1
    })
}

/// The weakest capability of this process that allows to pass through any folder.
fn passing_capability() -> Result<&'static str> {
    let permitted = fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix("CapPrm:"))?.trim().to_owned();
            u64::from_str_radix(&line, 16).ok()
        })
        .unwrap_or(0);
    let may = |capability: u32| permitted >> capability & 1 == 1;
    if may(CAP_DAC_READ_SEARCH) {
        Ok("dac_read_search")
    } else if may(CAP_DAC_OVERRIDE) {
        Ok("dac_override")
    } else {
        let why = "it cannot reach its files; move the checkout and the cache to folders that all users may pass through";
        Err(Error::Unprivileged(why.to_owned()))
    }
}
