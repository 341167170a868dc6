//! A TCP link between the product and a service, which a test can cut, stall and mend, and which loses a
//! connection at a chosen step: with a reset, or without a word.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

const BUFFER_BYTES: usize = 64 << 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// When a connection is lost: at the n-th request from the client (from 1) after the fault was set.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// The request does not reach the service.
    BeforeRequest(usize),
    /// The request reaches the service; its answer does not reach the client.
    BeforeAnswer(usize),
}

/// How a connection is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Both sides are told.
    Reset,
    /// Packets are dropped: neither side hears anything any more.
    Silence,
}

/// State of the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// Bytes pass.
    Open,
    /// Connections stay open and are accepted; no byte passes.
    Stalled,
    /// New connections end at once.
    Refused,
}

/// What becomes of the bytes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Path {
    Open,
    /// Open towards the service alone.
    Deaf,
    Lost(Loss),
}

#[derive(Debug, Default)]
struct Faults {
    next: Option<(Step, Loss)>,
    requests: usize,
    /// All connections since the beginning, in the order in which they were accepted.
    connections: Vec<watch::Sender<Path>>,
}

#[derive(Debug)]
struct State {
    flow: watch::Sender<Flow>,
    /// The number of connections that were accepted, even if they ended at once.
    accepted: watch::Sender<u64>,
    faults: Mutex<Faults>,
}

impl State {
    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault that is due with this request.
    fn due(&self) -> Option<(Step, Loss)> {
        let mut faults = self.faults();
        let (step, _) = faults.next?;
        faults.requests += 1;
        let (Step::BeforeRequest(number) | Step::BeforeAnswer(number)) = step;
        if faults.requests == number { faults.next.take() } else { None }
    }

    /// Waits while the link is stalled.
    async fn passable(&self) {
        let _ = self.flow.subscribe().wait_for(|flow| *flow != Flow::Stalled).await;
    }
}

/// A listening link. Dropping it cuts all connections and closes the port.
#[derive(Debug)]
pub(crate) struct Link {
    address: SocketAddr,
    state: Arc<State>,
    _accepting: AbortOnDropHandle<()>,
}

impl Link {
    /// Listens on a free port and forwards to a service.
    pub(crate) async fn to(service: SocketAddr) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            flow: watch::Sender::new(Flow::Open),
            accepted: watch::Sender::new(0),
            faults: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, service, Arc::clone(&state)));
        Self { address, state, _accepting: AbortOnDropHandle::new(accepting) }
    }

    /// The link to a database, and the database's URL through it.
    pub(crate) async fn to_database(url: &str) -> (Self, String) {
        let (before, rest) = url.rsplit_once('@').unwrap();
        let (server, database) = rest.split_once('/').unwrap();
        let link = Self::to(server.parse().unwrap()).await;
        let url = format!("{before}@{}/{database}", link.address);
        (link, url)
    }

    /// The address for clients of the service.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resolves when a connection is accepted after this call, even if it ends at once.
    pub(crate) async fn tried(&self) {
        self.state.accepted.subscribe().changed().await.unwrap();
    }

    /// Ends one in `one_in` of the connections. New ones are accepted.
    pub(crate) fn cut(&self, one_in: u64) {
        let step = usize::try_from(one_in.max(1)).unwrap_or(usize::MAX);
        for connection in self.state.faults().connections.iter().step_by(step) {
            connection.send_replace(Path::Lost(Loss::Reset));
        }
    }

    /// Lets no byte pass, on old and new connections.
    pub(crate) fn stall(&self) {
        self.state.flow.send_replace(Flow::Stalled);
    }

    /// Ends all connections, and new ones at once.
    pub(crate) fn refuse(&self) {
        self.state.flow.send_replace(Flow::Refused);
        self.cut(1);
    }

    /// Lets all bytes pass again, those held back included.
    pub(crate) fn mend(&self) {
        self.state.flow.send_replace(Flow::Open);
    }

    /// Loses the connection that makes the next request of this number.
    pub(crate) fn lose_at(&self, step: Step, loss: Loss) {
        let mut faults = self.state.faults();
        (faults.next, faults.requests) = (Some((step, loss)), 0);
    }

    /// Drops all packets of the present connections from now on. New connections work.
    pub(crate) fn silence(&self) {
        for connection in &self.state.faults().connections {
            connection.send_if_modified(|path| {
                let is_open = *path != Path::Lost(Loss::Reset);
                if is_open {
                    *path = Path::Lost(Loss::Silence);
                }
                is_open
            });
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.refuse();
    }
}

async fn accept(listener: TcpListener, service: SocketAddr, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        state.accepted.send_modify(|accepted| *accepted += 1);
        if *state.flow.borrow() == Flow::Refused {
            continue;
        }
        let path = watch::Sender::new(Path::Open);
        state.faults().connections.push(path.clone());
        tokio::spawn(forward(client, service, path, Arc::clone(&state)));
    }
}

async fn forward(client: TcpStream, service: SocketAddr, path: watch::Sender<Path>, state: Arc<State>) {
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(service)).await;
    let Ok(Ok(server)) = connecting else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let asking = pass_requests(from_client, to_server, &path, &state);
    let answering = pass_answers(from_server, to_client, &path, &state);
    let mut following = path.subscribe();
    tokio::select! {
        _ = following.wait_for(|path| *path == Path::Lost(Loss::Reset)) => {}
        ((), ()) = async { tokio::join!(asking, answering) } => {}
    }
}

/// Copies requests until their end, which it passes on.
async fn pass_requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    path: &watch::Sender<Path>,
    state: &State,
) {
    let mut buffer = vec![0; BUFFER_BYTES];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let due = state.due();
        match due {
            Some((Step::BeforeRequest(_), loss)) => drop(path.send_replace(Path::Lost(loss))),
            Some((Step::BeforeAnswer(_), _)) => drop(path.send_replace(Path::Deaf)),
            None => {}
        }
        state.passable().await;
        match *path.borrow() {
            Path::Lost(Loss::Reset) => return,
            Path::Lost(Loss::Silence) => continue,
            Path::Open | Path::Deaf => {}
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
        if let Some((Step::BeforeAnswer(_), loss)) = due {
            path.send_replace(Path::Lost(loss));
        }
    }
    let is_silent = *path.borrow() == Path::Lost(Loss::Silence);
    end(to, is_silent).await;
}

/// Copies answers until their end, which it passes on.
async fn pass_answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    path: &watch::Sender<Path>,
    state: &State,
) {
    let mut buffer = vec![0; BUFFER_BYTES];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        state.passable().await;
        let is_open = *path.borrow() == Path::Open;
        if is_open && to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
    let is_silent = *path.borrow() != Path::Open;
    end(to, is_silent).await;
}

/// Passes on the end of a direction. A silent path does not tell one side that the other has hung up.
async fn end(mut to: OwnedWriteHalf, is_silent: bool) {
    if is_silent {
        std::future::pending::<()>().await;
    }
    let _ = to.shutdown().await;
}
