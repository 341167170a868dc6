//! A TCP proxy that loses a connection at a chosen step: with a reset, or without a word.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// When a connection is lost: at the n-th request from the client (from 1) after the fault was set.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// The request does not reach the server.
    BeforeRequest(usize),
    /// The request reaches the server; its answer does not reach the client.
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

/// What becomes of the bytes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Path {
    Open,
    /// Open towards the server alone.
    Deaf,
    Lost(Loss),
}

#[derive(Debug, Default)]
struct Faults {
    next: Option<(Step, Loss)>,
    requests: usize,
    connections: Vec<watch::Sender<Path>>,
}

/// The proxy of one server. Ends with this value.
pub(crate) struct TcpProxy {
    address: SocketAddr,
    faults: Arc<Mutex<Faults>>,
    _accepting: AbortOnDropHandle<()>,
}

impl TcpProxy {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let faults = Arc::<Mutex<Faults>>::default();
        let shared = Arc::clone(&faults);
        let accepting = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(connect(client, server, Arc::clone(&shared)));
            }
        });
        Self { address, faults, _accepting: AbortOnDropHandle::new(accepting) }
    }

    /// The proxy of a database, and the database's URL through it.
    pub(crate) async fn to_database(url: &str) -> (Self, String) {
        let (before, rest) = url.rsplit_once('@').unwrap();
        let (server, database) = rest.split_once('/').unwrap();
        let proxy = Self::to(server.parse().unwrap()).await;
        let url = format!("{before}@{}/{database}", proxy.address);
        (proxy, url)
    }

    /// Loses the connection that makes the next request of this number.
    pub(crate) fn lose_at(&self, step: Step, loss: Loss) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        (faults.next, faults.requests) = (Some((step, loss)), 0);
    }

    /// Drops all packets of the present connections from now on. New connections work.
    pub(crate) fn silence(&self) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        for connection in faults.connections.drain(..) {
            connection.send_replace(Path::Lost(Loss::Silence));
        }
    }
}

async fn connect(client: TcpStream, server: SocketAddr, faults: Arc<Mutex<Faults>>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (path, following) = watch::channel(Path::Open);
    faults.lock().unwrap_or_else(PoisonError::into_inner).connections.push(path.clone());
    let (client_reads, client_writes) = client.into_split();
    let (server_reads, server_writes) = server.into_split();
    let answers = tokio::spawn(forward_answers(server_reads, client_writes, following.clone()));
    forward_requests(client_reads, server_writes, &path, &faults).await;
    // The halves stay open for as long as the other side of a silent connection does not hang up.
    let _ = answers.await;
}

async fn forward_requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    path: &watch::Sender<Path>,
    faults: &Mutex<Faults>,
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let due = due(faults);
        if let Some((Step::BeforeRequest(_), loss)) = due {
            path.send_replace(Path::Lost(loss));
        }
        if let Some((Step::BeforeAnswer(_), _)) = due {
            path.send_replace(Path::Deaf);
        }
        match *path.borrow() {
            Path::Lost(Loss::Reset) => return,
            Path::Lost(Loss::Silence) => continue,
            Path::Open | Path::Deaf => {}
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
        if let Some((Step::BeforeAnswer(_), loss)) = due {
            path.send_replace(Path::Lost(loss));
        }
    }
    // A silent path does not tell the server that the client hung up.
    if *path.borrow() == Path::Lost(Loss::Silence) {
        std::future::pending::<()>().await;
    }
}

/// The fault that is due with this request.
fn due(faults: &Mutex<Faults>) -> Option<(Step, Loss)> {
    let mut faults = faults.lock().unwrap_or_else(PoisonError::into_inner);
    let (step, _) = faults.next?;
    faults.requests += 1;
    let (Step::BeforeRequest(number) | Step::BeforeAnswer(number)) = step;
    if faults.requests == number { faults.next.take() } else { None }
}

async fn forward_answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut path: watch::Receiver<Path>) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            _ = path.wait_for(|path| *path == Path::Lost(Loss::Reset)) => return,
        };
        let Ok(read @ 1..) = read else { break };
        if *path.borrow() == Path::Open && to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
    if *path.borrow() != Path::Open {
        std::future::pending::<()>().await;
    }
}
