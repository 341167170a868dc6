//! The open connections of a pool: at most so many, and those among them that no statement uses.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, Error, PgConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};

use crate::connect::connect;
use crate::limits;
use crate::pool::{RETURN_LIMIT, is_lost};

/// Pauses between two attempts to connect: the first, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(300);
/// Time after which a connection without use is closed, and the interval at which that is looked at.
const IDLE_TIMEOUT: Duration = Duration::from_mins(2);
const IDLE_CHECK: Duration = Duration::from_secs(30);
/// Time after which a connection is closed when it would be used again.
const LIFETIME: Duration = Duration::from_mins(30);

/// All connections of a pool.
#[derive(Debug)]
pub(crate) struct Connections {
    options: PgConnectOptions,
    most: usize,
    permits: Arc<Semaphore>,
    /// The connection that was used last is at the end and is used first, so that superfluous ones grow old.
    idle: Mutex<Vec<Idle>>,
    is_watched: AtomicBool,
}

#[derive(Debug)]
struct Idle {
    session: Session,
    since: Instant,
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) connection: PgConnection,
    opened: Instant,
}

/// A connection in use. Dropping it closes the connection without a word to the server.
#[derive(Debug)]
pub(crate) struct Lent {
    pub(crate) session: Session,
    /// Its place among the connections of the pool.
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    pub(crate) fn new(options: PgConnectOptions, most: u32) -> Self {
        let most = most as usize;
        Self {
            options,
            most,
            permits: Arc::new(Semaphore::new(most)),
            idle: Mutex::default(),
            is_watched: AtomicBool::new(false),
        }
    }

    pub(crate) const fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    pub(crate) const fn most(&self) -> usize {
        self.most
    }

    /// A connection: an idle one, else a new one. An attempt to connect that fails for a reason that can
    /// pass, such as a database or a pooler that just starts, is repeated until then.
    pub(crate) async fn take(self: &Arc<Self>, deadline: Instant) -> Result<Lent, Error> {
        let acquiring = Arc::clone(&self.permits).acquire_owned();
        let permit = acquiring.await.map_err(|_| Error::PoolClosed)?;
        let mut pause = FIRST_PAUSE;
        loop {
            if let Some(session) = self.pop() {
                return Ok(Lent { session, _permit: permit });
            }
            match self.open().await {
                Ok(session) => return Ok(Lent { session, _permit: permit }),
                Err(error) if is_lost(&error) && Instant::now() + pause < deadline => {
                    sleep(pause).await;
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes a connection back on which nothing is under way.
    pub(crate) fn give_back(&self, lent: Lent) {
        let Lent { session, _permit: permit } = lent;
        self.lock().push(Idle { session, since: Instant::now() });
        drop(permit);
    }

    /// Takes a connection back as soon as it answers. What was under way on it has [`RETURN_LIMIT`] to end.
    pub(crate) async fn give_back_settled(self: Arc<Self>, mut lent: Lent) {
        // Without an answer the connection is dropped.
        if let Ok(Ok(())) = timeout(RETURN_LIMIT, lent.session.connection.ping()).await {
            self.give_back(lent);
        }
    }

    /// Drops all idle connections without a word to the server. Returns their number.
    pub(crate) fn drop_idle(&self) -> usize {
        let dropped = std::mem::take(&mut *self.lock());
        dropped.len()
    }

    /// Open connections, and idle connections among them.
    pub(crate) fn size(&self) -> (usize, usize) {
        let idle = self.lock().len();
        (self.most.saturating_sub(self.permits.available_permits()) + idle, idle)
    }

    fn pop(&self) -> Option<Session> {
        loop {
            let session = self.lock().pop()?.session;
            if session.opened.elapsed() < LIFETIME {
                return Some(session);
            }
            tokio::spawn(close(session));
        }
    }

    async fn open(self: &Arc<Self>) -> Result<Session, Error> {
        let mut connection = connect(&self.options).await?;
        limits::apply_to_session(&mut connection).await?;
        if !self.is_watched.swap(true, Ordering::Relaxed) {
            tokio::spawn(close_unused(Arc::downgrade(self)));
        }
        Ok(Session { connection, opened: Instant::now() })
    }

    /// Removes the connections that were idle for too long.
    fn remove_unused(&self) -> Vec<Idle> {
        let mut idle = self.lock();
        let unused = idle.iter().take_while(|idle| idle.since.elapsed() > IDLE_TIMEOUT).count();
        idle.drain(..unused).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes connections without use until the pool is dropped.
async fn close_unused(connections: std::sync::Weak<Connections>) {
    loop {
        sleep(IDLE_CHECK).await;
        let Some(connections) = connections.upgrade() else { return };
        for idle in connections.remove_unused() {
            close(idle.session).await;
        }
    }
}

/// Tells the server that a connection ends.
async fn close(session: Session) {
    let _ = timeout(RETURN_LIMIT, session.connection.close()).await;
}
