//! Starts child processes from one thread that lives as long as this process.
//!
//! With `PR_SET_PDEATHSIG` the kernel kills a child at the end of the *thread* that started it. Worker
//! threads of a runtime and threads of tests end earlier than the process, so they must not start a child.

use std::io;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

struct Order {
    command: Command,
    started: Sender<io::Result<Child>>,
}

/// Starts `command` as a child of this process; may be called from any thread.
pub(crate) fn spawn(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<Option<Sender<Order>>> = OnceLock::new();
    let gone = || io::Error::other("the thread that starts processes has ended");
    let spawner = SPAWNER.get_or_init(|| start_thread().ok()).as_ref().ok_or_else(gone)?;
    let (started, answer) = channel();
    spawner.send(Order { command, started }).map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}

fn start_thread() -> io::Result<Sender<Order>> {
    let (orders, inbox) = channel::<Order>();
    std::thread::Builder::new().name("spawner".to_owned()).spawn(move || {
        for mut order in inbox {
            // The caller may be gone; then the handle of the child is dropped.
            let _ = order.started.send(order.command.spawn());
        }
    })?;
    Ok(orders)
}
