//! The batcher under many orders in which its tasks can enter their critical sections.
//!
//! This module compiles the batcher with the lock and the tasks of `shuttle`, which runs a test once for each
//! order and reports a request that is never answered as a deadlock.

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all, try_join_all};
use uuid::Uuid;

use self::batch::{Batcher, Request, Unkeyed};

#[path = "../../src/batch.rs"]
#[expect(unreachable_pub, reason = "this test uses a part of what the crate exports")]
mod batch;

/// Stands in for the store's module of this name.
pub(crate) mod sync {
    use std::cell::RefCell;

    use shuttle::future::JoinHandle;
    pub(crate) use shuttle::sync::Mutex;

    thread_local! {
        /// The tasks of one execution, all of which run on one thread.
        static TASKS: RefCell<Vec<JoinHandle<()>>> = const { RefCell::new(Vec::new()) };
    }

    pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        let task = shuttle::future::spawn(task);
        TASKS.with_borrow_mut(|tasks| tasks.push(task));
    }

    /// Waits for all tasks, which `shuttle` would otherwise end in the middle of a critical section.
    pub(crate) fn join_tasks() {
        while let Some(task) = TASKS.with_borrow_mut(Vec::pop) {
            shuttle::future::block_on(task).unwrap();
        }
    }
}

struct Keyed(u32);

impl Request for Keyed {
    fn key(&self) -> Option<Uuid> {
        Some(Uuid::nil())
    }
}

impl From<Keyed> for u32 {
    fn from(request: Keyed) -> Self {
        request.0
    }
}

impl From<Unkeyed<Self>> for u32 {
    fn from(request: Unkeyed<Self>) -> Self {
        request.0
    }
}

fn echo<Q: Request + Into<u32>>(requests: Vec<Q>) -> BoxFuture<'static, Vec<u32>> {
    async move { requests.into_iter().map(Into::into).collect() }.boxed()
}

/// Requests 0, 1, … one after another while the slots run, and expects each number to come back.
fn request_from_one_task<Q: Request>(batcher: &Batcher<Q, u32>, request: fn(u32) -> Q, number: u32) {
    let answers = (0..number).map(|number| batcher.request(request(number)));
    let answers = shuttle::future::block_on(join_all(answers));
    assert_eq!(answers, (0..number).map(Some).collect::<Vec<_>>());
    sync::join_tasks();
}

/// The same from a task for each request.
fn request_from_many_tasks<Q: Request>(batcher: &Batcher<Q, u32>, request: fn(u32) -> Q, number: u32) {
    let tasks = (0..number).map(|number| {
        let batcher = batcher.clone();
        shuttle::future::spawn(async move { batcher.request(request(number)).await })
    });
    let answers = shuttle::future::block_on(try_join_all(tasks.collect::<Vec<_>>())).unwrap();
    assert_eq!(answers, (0..number).map(Some).collect::<Vec<_>>());
    sync::join_tasks();
}

#[test]
fn one_slot_answers_each_request_in_every_order() {
    shuttle::check_dfs(|| request_from_one_task(&Batcher::with_slots(1, echo), Unkeyed, 2), None);
    shuttle::check_dfs(|| request_from_one_task(&Batcher::with_slots(1, echo), Keyed, 2), None);
}

#[test]
fn all_slots_answer_each_request_of_one_task_in_random_orders() {
    shuttle::check_random(|| request_from_one_task(&Batcher::new(echo), Unkeyed, 5), 2_000);
    shuttle::check_random(|| request_from_one_task(&Batcher::new(echo), Keyed, 5), 2_000);
}

#[test]
fn all_slots_answer_each_request_of_many_tasks_in_random_orders() {
    shuttle::check_random(|| request_from_many_tasks(&Batcher::new(echo), Unkeyed, 8), 2_000);
    shuttle::check_random(|| request_from_many_tasks(&Batcher::new(echo), Keyed, 8), 2_000);
}
