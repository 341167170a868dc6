//! A reverse proxy in front of the product, with the configuration of `docs/operating.md`.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::{DataDir, Error, Program, Readiness, Result, Service, repository};

/// Folders of system programs, which the `PATH` of ordinary users often lacks.
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];
/// The address of the product in the documentation.
const PRODUCT: &str = "127.0.0.1:8080";
/// Lines of the documentation that need a certificate.
const TLS: [&str; 2] = ["ssl_certificate ", "ssl_certificate_key "];

/// A kind of reverse proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReverseProxy {
    /// nginx.
    Nginx,
    /// Caddy.
    Caddy,
}

impl ReverseProxy {
    /// Starts the proxy at a free port in front of `product`. It has the configuration of the documentation,
    /// but for the addresses and for TLS.
    pub async fn start(self, product: SocketAddr, data: &DataDir) -> Result<Service> {
        let program = self.program()?;
        let block = self.documented()?;
        let folder = data.path().join(self.name());
        fs::create_dir_all(&folder).map_err(Error::io("created", &folder))?;
        let file = folder.join("configuration");
        Service::on_free_port_with(data, |address| {
            let text = match self {
                Self::Nginx => nginx(&block, product, address, &folder),
                Self::Caddy => caddy(&block, product, address),
            };
            fs::write(&file, text).map_err(Error::io("written", &file))?;
            Ok(self.command(&program, address, &file, &folder))
        })
        .await
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Caddy => "caddy",
        }
    }

    fn program(self) -> Result<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).chain(SYSTEM_FOLDERS.map(PathBuf::from));
        let mut programs = folders.map(|folder| folder.join(self.name()));
        programs.find(|program| program.is_file()).ok_or(Error::NotInstalled(self.name()))
    }

    /// The first block of the documentation in the language of the proxy.
    fn documented(self) -> Result<String> {
        let path = repository()?.join("docs").join("operating.md");
        let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        let language = match self {
            Self::Nginx => "nginx",
            Self::Caddy => "caddyfile",
        };
        let block =
            text.split(&format!("\n```{language}\n")).nth(1).and_then(|rest| rest.split("\n```").next());
        block.map(str::to_owned).ok_or(Error::NotDocumented { language, path })
    }

    fn command(self, program: &Path, address: SocketAddr, file: &Path, folder: &Path) -> Program {
        let program = Program::new(self.name(), program, address, Readiness::Answers("/livez"));
        match self {
            Self::Nginx => program.argument("-e").argument("stderr").argument("-c").argument(file),
            Self::Caddy => program
                .argument("run")
                .argument("--adapter")
                .argument("caddyfile")
                .argument("--config")
                .argument(file)
                .variable("XDG_DATA_HOME", folder)
                .variable("XDG_CONFIG_HOME", folder),
        }
    }
}

/// In one process: a master process that is killed leaves its workers behind.
fn nginx(block: &str, product: SocketAddr, address: SocketAddr, folder: &Path) -> String {
    let lines = block.lines().filter(|line| !TLS.iter().any(|name| line.trim_start().starts_with(name)));
    let lines = lines.map(|line| match line.trim_start().strip_prefix("listen ") {
        Some(_) => format!("listen {address};"),
        None => line.replace(PRODUCT, &product.to_string()),
    });
    let site = lines.collect::<Vec<_>>().join("\n");
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {}/{kind};\n", folder.display()))
        .concat();
    format!(
        "daemon off;\nmaster_process off;\npid {}/pid;\nerror_log stderr warn;\nevents {{}}\n\
         http {{\naccess_log off;\n{temporary}{site}\n}}\n",
        folder.display()
    )
}

fn caddy(block: &str, product: SocketAddr, address: SocketAddr) -> String {
    let site = block.lines().map(|line| match line.strip_suffix(" {") {
        Some(name) if !name.starts_with([' ', '\t']) => {
            format!("http://:{} {{\nbind {}", address.port(), address.ip())
        }
        _ => line.replace(PRODUCT, &product.to_string()),
    });
    format!("{{\nadmin off\n}}\n{}\n", site.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_a_configuration_for_each_proxy() {
        for proxy in [ReverseProxy::Nginx, ReverseProxy::Caddy] {
            assert!(proxy.documented().unwrap().contains(PRODUCT), "{proxy:?}");
        }
    }
}
