//! What many want of Postgres at the same moment, done together: one round trip for all who wait, and no detour for one who
//! is alone.
//!
//! A few lanes run at once. Who finds one free starts it; who finds none waits until a lane comes back and takes along all
//! that has gathered. Nobody waits for company.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use tokio::sync::oneshot;
use uuid::Uuid;

/// Batches on their way at the same time. More hide a far store's distance, fewer make larger batches.
const LANES: usize = 2;
/// The most that goes together.
const MOST: usize = 64;

/// Something that can be done together with others of its kind.
pub trait Request: Send + 'static {
    /// What it is about; two about the same never go together. `None` goes with anything.
    fn target(&self) -> Option<Uuid>;
}

/// A request that goes with any other.
#[derive(Debug)]
pub struct Alongside<Q>(pub Q);

impl<Q: Send + 'static> Request for Alongside<Q> {
    fn target(&self) -> Option<Uuid> {
        None
    }
}

type Work<Q, A> = dyn Fn(Vec<Q>) -> BoxFuture<'static, Vec<A>> + Send + Sync;
type Waiting<Q, A> = (Q, oneshot::Sender<A>);

/// A place where requests meet. Cheap to clone.
pub struct Together<Q, A> {
    shared: Arc<Shared<Q, A>>,
}

struct Shared<Q, A> {
    work: Box<Work<Q, A>>,
    gathered: Mutex<Gathered<Q, A>>,
}

struct Gathered<Q, A> {
    waiting: VecDeque<Waiting<Q, A>>,
    lanes: usize,
}

impl<Q: Request, A: Send + 'static> Together<Q, A> {
    /// A place whose batches are done by `work`, which answers each request in the order it got them.
    pub fn new(work: impl Fn(Vec<Q>) -> BoxFuture<'static, Vec<A>> + Send + Sync + 'static) -> Self {
        let gathered = Mutex::new(Gathered { waiting: VecDeque::new(), lanes: 0 });
        Self { shared: Arc::new(Shared { work: Box::new(work), gathered }) }
    }

    /// Does it, with whatever else waits; `None` if the work broke off. Who stops waiting does not stop the work.
    pub async fn request(&self, request: Q) -> Option<A> {
        let (answer, answered) = oneshot::channel();
        let free_lane = {
            let mut gathered = self.shared.gathered();
            gathered.waiting.push_back((request, answer));
            let free = gathered.lanes < LANES;
            gathered.lanes += usize::from(free);
            free
        };
        if free_lane {
            tokio::spawn(Lane(Arc::clone(&self.shared)).run());
        }
        answered.await.ok()
    }
}

impl<Q, A> Shared<Q, A> {
    fn gathered(&self) -> MutexGuard<'_, Gathered<Q, A>> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lane at work; gives its place back when it ends, however it ends.
struct Lane<Q, A>(Arc<Shared<Q, A>>);

impl<Q: Request, A: Send + 'static> Lane<Q, A> {
    async fn run(self) {
        loop {
            let batch = take(&mut self.0.gathered().waiting);
            if batch.is_empty() {
                return;
            }
            let (requests, waiting): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            for (answer, waiting) in (self.0.work)(requests).await.into_iter().zip(waiting) {
                // Who asked may have gone.
                let _ = waiting.send(answer);
            }
        }
    }
}

impl<Q, A> Drop for Lane<Q, A> {
    fn drop(&mut self) {
        self.0.gathered().lanes -= 1;
    }
}

/// The first of those that wait, no two about the same. Order among those about the same is kept.
fn take<Q: Request, A>(waiting: &mut VecDeque<Waiting<Q, A>>) -> Vec<Waiting<Q, A>> {
    let mut batch = Vec::with_capacity(waiting.len().min(MOST));
    let mut targets = HashSet::new();
    let mut later = VecDeque::new();
    while batch.len() < MOST {
        let Some(next) = waiting.pop_front() else { break };
        match next.0.target() {
            Some(target) if !targets.insert(target) => later.push_back(next),
            _ => batch.push(next),
        }
    }
    while let Some(kept) = later.pop_back() {
        waiting.push_front(kept);
    }
    batch
}

impl<Q, A> Clone for Together<Q, A> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<Q, A> fmt::Debug for Together<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Together")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::FutureExt as _;
    use futures::future::join_all;

    use super::*;

    struct Double(u32, Option<Uuid>);

    impl Request for Double {
        fn target(&self) -> Option<Uuid> {
            self.1
        }
    }

    fn doubling(batches: &Arc<AtomicUsize>) -> Together<Double, u32> {
        let batches = Arc::clone(batches);
        Together::new(move |requests: Vec<Double>| {
            batches.fetch_add(1, Ordering::Relaxed);
            let targets: Vec<Uuid> = requests.iter().filter_map(Request::target).collect();
            assert_eq!(targets.iter().collect::<HashSet<_>>().len(), targets.len());
            async move {
                tokio::task::yield_now().await;
                requests.into_iter().map(|request| request.0 * 2).collect()
            }
            .boxed()
        })
    }

    #[tokio::test]
    async fn everybody_gets_the_answer_to_their_own_request_and_few_batches_are_needed() {
        let batches = Arc::new(AtomicUsize::new(0));
        let together = doubling(&batches);
        let answers = join_all((0..1000).map(|number| together.request(Double(number, None)))).await;
        assert_eq!(answers, (0..1000).map(|number| Some(number * 2)).collect::<Vec<_>>());
        assert!(batches.load(Ordering::Relaxed) <= 1000 / MOST + LANES + 1);
        assert_eq!(together.request(Double(7, None)).await, Some(14));
    }

    #[tokio::test]
    async fn two_about_the_same_never_go_together() {
        let together = doubling(&Arc::default());
        let target = |number: u32| Some(Uuid::from_u128(u128::from(number % 3)));
        let answers = join_all((0..90).map(|number| together.request(Double(number, target(number))))).await;
        assert_eq!(answers, (0..90).map(|number| Some(number * 2)).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn work_that_breaks_off_leaves_nobody_waiting_and_the_lane_free() {
        let together: Together<Double, u32> = Together::new(|requests: Vec<Double>| {
            async move {
                assert!(requests.iter().all(|request| request.0 != 13), "breaks off");
                requests.into_iter().map(|request| request.0).collect()
            }
            .boxed()
        });
        for _ in 0..LANES * 2 {
            assert_eq!(together.request(Double(13, None)).await, None);
        }
        assert_eq!(together.request(Double(1, None)).await, Some(1));
    }
}
