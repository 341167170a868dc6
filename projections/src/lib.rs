//! The read models: how each is made from events, and how it is queried.
