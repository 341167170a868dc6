//! The batcher as the store uses it, on a Tokio runtime.

use std::collections::HashSet;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{join_all, poll_immediate};
use store::batch::{Batcher, MAX_REQUESTS, Request, SLOTS};
use tokio::runtime::Runtime;
use tokio::time::timeout;
use uuid::Uuid;

struct Double(u32, Option<Uuid>);

impl Request for Double {
    fn key(&self) -> Option<Uuid> {
        self.1
    }
}

/// Doubles numbers, and counts the batches.
fn doubling(batches: &Arc<AtomicUsize>) -> Batcher<Double, u32> {
    let batches = Arc::clone(batches);
    Batcher::new(move |requests: Vec<Double>| {
        batches.fetch_add(1, Ordering::Relaxed);
        let keys: Vec<Uuid> = requests.iter().filter_map(Request::key).collect();
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
        async move {
            tokio::task::yield_now().await;
            requests.into_iter().map(|request| request.0 * 2).collect()
        }
        .boxed()
    })
}

#[tokio::test]
async fn each_request_gets_its_own_answer_in_few_batches() {
    let count = Arc::new(AtomicUsize::new(0));
    let batcher = doubling(&count);
    let answers = join_all((0..1000).map(|number| batcher.request(Double(number, None)))).await;
    assert_eq!(answers, (0..1000).map(|number| Some(number * 2)).collect::<Vec<_>>());
    assert!(count.load(Ordering::Relaxed) <= 1000 / MAX_REQUESTS + SLOTS + 1);
    assert_eq!(batcher.request(Double(7, None)).await, Some(14));
}

#[tokio::test]
async fn requests_with_the_same_key_never_share_a_batch() {
    let batcher = doubling(&Arc::default());
    let key = |number: u32| Some(Uuid::from_u128(u128::from(number % 3)));
    let answers = join_all((0..90).map(|number| batcher.request(Double(number, key(number))))).await;
    assert_eq!(answers, (0..90).map(|number| Some(number * 2)).collect::<Vec<_>>());
}

/// Panics on 13, does not answer 14 and doubles other numbers. All have the same key, so that each has a
/// batch of its own.
fn superstitious() -> Batcher<Double, u32> {
    Batcher::new(|requests: Vec<Double>| {
        async move {
            assert!(requests.iter().all(|request| request.0 != 13), "13 is refused");
            if requests.iter().any(|request| request.0 == 14) {
                pending::<()>().await;
            }
            requests.into_iter().map(|request| request.0 * 2).collect()
        }
        .boxed()
    })
}

fn with_one_key(number: u32) -> Double {
    Double(number, Some(Uuid::nil()))
}

#[tokio::test]
async fn requests_that_wait_behind_panicking_batches_are_answered() {
    let batcher = superstitious();
    let panicking = (0..SLOTS).map(|_| 13);
    let answers = join_all(panicking.chain([1]).map(|number| batcher.request(with_one_key(number))));
    let answers = timeout(Duration::from_secs(20), answers).await.expect("a waiting request was never taken");
    assert_eq!(answers, [vec![None; SLOTS], vec![Some(2)]].concat());
}

#[tokio::test]
async fn panics_leave_the_slots_free() {
    let batcher = superstitious();
    for _ in 0..SLOTS * 2 {
        assert_eq!(batcher.request(with_one_key(13)).await, None);
    }
    assert_eq!(batcher.request(with_one_key(1)).await, Some(2));
}

#[test]
fn requests_that_wait_when_the_runtime_shuts_down_are_not_answered() {
    let runtime = Runtime::new().unwrap();
    let batcher = superstitious();
    let endless = (0..SLOTS).map(|_| 14);
    let mut answers = join_all(endless.chain([1]).map(|number| batcher.request(with_one_key(number))));
    let polled = runtime.block_on(async { poll_immediate(&mut answers).await });
    assert!(polled.is_none());
    drop(runtime);
    assert_eq!(Runtime::new().unwrap().block_on(answers), vec![None; SLOTS + 1]);
}
