//! A TCP link between the product and a service, which a test can cut, stall and mend.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const BUFFER_BYTES: usize = 16 << 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

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

/// How the connections of the link are treated.
#[derive(Debug, Clone, Copy)]
struct Treatment {
    flow: Flow,
    /// Connections with a lower number are cut, unless they are spared.
    cut_below: u64,
    /// Of the connections to cut, one in so many is cut.
    one_in: u64,
}

/// A listening link. Dropping it cuts all connections and closes the port.
#[derive(Debug)]
pub(crate) struct Link {
    address: SocketAddr,
    treatment: Arc<watch::Sender<Treatment>>,
    accepted: watch::Receiver<u64>,
    accepting: JoinHandle<()>,
}

impl Link {
    /// Listens on a free port and forwards to a service.
    pub(crate) async fn to(service: SocketAddr) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        let open = Treatment { flow: Flow::Open, cut_below: 0, one_in: 1 };
        let treatment = Arc::new(watch::Sender::new(open));
        let (numbers, accepted) = watch::channel(0);
        let treating = Arc::clone(&treatment);
        let accepting = tokio::spawn(async move {
            for number in 0.. {
                let Ok((client, _)) = listener.accept().await else { return };
                numbers.send_replace(number + 1);
                tokio::spawn(forward(client, service, number, treating.subscribe()));
            }
        });
        Self { address, treatment, accepted, accepting }
    }

    /// The address for clients of the service.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resolves when a connection is accepted after this call, even if it ends at once.
    pub(crate) async fn tried(&self) {
        let mut accepted = self.accepted.clone();
        accepted.mark_unchanged();
        accepted.changed().await.unwrap();
    }

    /// Ends one in `one_in` of the connections, without a word. New ones are accepted.
    pub(crate) fn cut(&self, one_in: u64) {
        let cut_below = *self.accepted.borrow();
        self.treatment.send_modify(|treatment| {
            treatment.cut_below = cut_below;
            treatment.one_in = one_in;
        });
    }

    /// Lets no byte pass, on old and new connections.
    pub(crate) fn stall(&self) {
        self.set(Flow::Stalled);
    }

    /// Ends all connections, and new ones at once.
    pub(crate) fn refuse(&self) {
        self.set(Flow::Refused);
        self.cut(1);
    }

    /// Lets all bytes pass again, those held back included.
    pub(crate) fn mend(&self) {
        self.set(Flow::Open);
    }

    fn set(&self, flow: Flow) {
        self.treatment.send_modify(|treatment| treatment.flow = flow);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.refuse();
        self.accepting.abort();
    }
}

async fn forward(
    client: TcpStream,
    service: SocketAddr,
    number: u64,
    mut treatment: watch::Receiver<Treatment>,
) {
    if treatment.borrow().flow == Flow::Refused {
        return;
    }
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(service)).await;
    let Ok(Ok(server)) = connecting else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let asking = pass(from_client, to_server, treatment.clone());
    let answering = pass(from_server, to_client, treatment.clone());
    let is_cut = |treatment: &Treatment| {
        number < treatment.cut_below && number.is_multiple_of(treatment.one_in.max(1))
    };
    tokio::select! {
        _ = treatment.wait_for(is_cut) => {}
        ((), ()) = async { tokio::join!(asking, answering) } => {}
    }
}

/// Copies bytes in one direction until its end, which it passes on.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut treatment: watch::Receiver<Treatment>) {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        let opened = treatment.wait_for(|treatment| treatment.flow != Flow::Stalled).await.is_ok();
        if read == 0 || !opened || to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
