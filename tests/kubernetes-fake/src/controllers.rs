//! The controllers, each a small step at a time.

use std::{sync::Arc, time::Duration};

use crate::Shared;

/// How often each controller takes a step.
pub(crate) const TICK: Duration = Duration::from_millis(20);

/// Lets the controllers take their steps, for as long as it is waited for.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(TICK).await;
        drop(shared.world());
    }
}
