//! The same work for many things, on all processors.

use std::{num::NonZero, panic, thread};

/// So few things are done before a thread has started.
const FEW: usize = 16;

/// What `work` makes of each item, in their order. Each thread has a `tool` of its own, such as a buffer.
pub(crate) fn map<T: Send, Tool, Made: Send>(
    items: Vec<T>,
    tool: impl Fn() -> Tool + Sync,
    work: impl Fn(&mut Tool, T) -> Made + Sync,
) -> Vec<Made> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(items.len().div_ceil(FEW));
    let share = items.len().div_ceil(threads.max(1));
    let do_all = |items: Vec<T>| {
        let mut tool = tool();
        items.into_iter().map(|item| work(&mut tool, item)).collect::<Vec<Made>>()
    };
    let (mut rest, mut shares) = (items, Vec::new());
    while rest.len() > share {
        shares.push(rest.split_off(rest.len() - share));
    }
    thread::scope(|scope| {
        let started: Vec<_> = shares.into_iter().map(|share| scope.spawn(|| do_all(share))).collect();
        let mut made = do_all(rest);
        // The last share was split off first.
        for thread in started.into_iter().rev() {
            made.extend(thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic)));
        }
        made
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_stays() {
        for count in [0, 1, FEW, FEW + 1, 1000, 1009] {
            let made = map(
                (0..count).collect(),
                || 0,
                |done, item| {
                    *done += 1;
                    (item * 2, *done)
                },
            );
            assert_eq!(
                made.iter().map(|(item, _)| *item).collect::<Vec<_>>(),
                (0..count).map(|item| item * 2).collect::<Vec<_>>()
            );
            assert!(made.iter().all(|(_, done)| *done > 0));
        }
    }
}
