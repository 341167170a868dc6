//! Starts child processes from one thread that lives as long as this process.
//!
//! The kernel kills a child with the *thread* that started it when it was asked to kill it with its parent
//! (`PR_SET_PDEATHSIG`), so that a child must not be started by a runtime's worker or a test's own thread.

use std::io;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

struct Order {
    command: Command,
    started: Sender<io::Result<Child>>,
}

/// Starts `command` as a child of this process, whichever thread asks.
pub(crate) fn spawn(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<Option<Sender<Order>>> = OnceLock::new();
    let gone = || io::Error::other("the thread that starts processes is gone");
    let spawner = SPAWNER.get_or_init(|| start_thread().ok()).as_ref().ok_or_else(gone)?;
    let (started, answer) = channel();
    spawner.send(Order { command, started }).map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}

fn start_thread() -> io::Result<Sender<Order>> {
    let (orders, inbox) = channel::<Order>();
    std::thread::Builder::new().name("spawner".to_owned()).spawn(move || {
        for mut order in inbox {
            // Whoever ordered may have gone; a child nobody takes is reaped with the handle's owner.
            let _ = order.started.send(order.command.spawn());
        }
    })?;
    Ok(orders)
}
