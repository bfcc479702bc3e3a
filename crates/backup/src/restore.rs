//! `restore`: asks the cluster what each object would become, and applies them when nothing is refused.
//!
//! It reads as this:
//!
//! 1. read the backup, and go on only when it is whole;
//! 2. find out what is to be put back (`items`), and ask whether the job may do all that it takes;
//! 3. rehearse (`rehearsal`): apply every object without keeping it (`dryRun=All`), and look at what is there now. What
//!    comes of it is told for each object (`state`): made, changed (with the difference), the same, or refused, by whom, and
//!    what can be done about it (`unchangeable`);
//! 4. when nothing is refused, apply what is made or changed, wave after wave ([`wave`](crate::order::wave));
//! 5. say what came of it (`told`).
//!
//! A restore is no transaction: what stops it in the middle leaves the objects before applied, which is told; running it
//! again goes on. Objects that are not in the backup are never deleted.

mod items;
mod rehearsal;
mod state;
mod told;
mod unchangeable;

use std::{
    cell::{Cell, OnceCell, RefCell},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use sluice_core::{Context, Done, Problem, Problems};
use sluice_kubernetes::{Cluster, Ownership};

use self::{
    items::{Asked, Item},
    state::State,
};
use crate::{Outputs, What, cluster, kept::Kept, plan::RestorePlan, verify};

/// How many objects are asked for at once.
const AT_ONCE: usize = 8;
/// How long a write that is under way may take when the run is told to end.
const GRACE: Duration = Duration::from_secs(3);

/// How far a restore came.
#[derive(Default)]
struct Progress {
    cluster: OnceCell<Cluster>,
    items: OnceCell<Vec<Item>>,
    /// One an item, as soon as all are rehearsed.
    states: RefCell<Vec<State>>,
    /// Whether the rehearsal said no.
    was_refused: Cell<bool>,
}

pub(crate) fn run(plan: &RestorePlan, cx: &Context) -> anyhow::Result<Done<Outputs>> {
    let kept = cx.block_on(Kept::read(&plan.source, cx)).flatten()?;
    if !kept.damages.is_empty() {
        return Ok(Done { outputs: verify::outputs(&kept), report: verify::damaged(&kept) });
    }
    let entries = items::entries(&kept, plan)?;
    let asked = Problems::all(entries.into_iter().map(|entry| Asked::read(&kept, entry, plan)))?;
    let progress = Progress::default();
    // The outcome of a write that is under way must be known: the report says how far the restore came.
    cx.block_on_to_the_end(GRACE, restore(&kept, asked, plan, &progress, cx))?.transpose()?;
    let interrupted = cx.cancellation().check().err().map(Problem::from);
    let Progress { cluster, items, states, was_refused } = progress;
    let (cluster, items, states) = match (cluster.into_inner(), items.into_inner(), states.into_inner()) {
        (Some(cluster), Some(items), states) if items.len() == states.len() => (cluster, items, states),
        _ => {
            let nothing = || Problem::undecided("the restore did not begin");
            return Err(interrupted.unwrap_or_else(nothing).into());
        }
    };
    let restored = told::Restored {
        kept: &kept,
        cluster: &cluster,
        items: &items,
        states: &states,
        is_rehearsal: plan.is_rehearsal,
        was_refused: was_refused.get(),
    };
    Ok(Done { outputs: restored.outputs(), report: restored.report(interrupted) })
}

/// All that is asked of the cluster.
async fn restore(
    kept: &Kept,
    asked: Vec<Asked>,
    plan: &RestorePlan,
    progress: &Progress,
    cx: &Context,
) -> anyhow::Result<()> {
    let cluster = cluster::connect(&plan.target, &plan.source.network, cx).await?;
    items::check_namespace(kept, &cluster, plan)?;
    let items = items::find(asked, kept, &cluster).await?;
    items::may_restore(&items, &cluster).await?;
    let (cluster, items) = (progress.cluster.get_or_init(|| cluster), progress.items.get_or_init(|| items));
    let states = rehearsal::rehearse(items, cluster, plan, cx).await;
    let is_refused = states.iter().any(|state| matches!(state.what, What::Refused | What::Unknown));
    progress.was_refused.set(is_refused);
    progress.states.replace(states);
    if !plan.is_rehearsal && !is_refused {
        apply(items, &progress.states, cluster, plan, cx).await;
    }
    Ok(())
}

/// Applies what is made or changed, wave after wave; what a wave is refused ends it.
async fn apply(
    items: &[Item],
    states: &RefCell<Vec<State>>,
    cluster: &Cluster,
    plan: &RestorePlan,
    cx: &Context,
) {
    let mut todo = Vec::new();
    // Until it is done, nobody knows.
    for (index, state) in states.borrow_mut().iter_mut().enumerate() {
        if let Some(object) = state.object.take().filter(|_| state.what != What::Unchanged) {
            todo.push((index, object, std::mem::replace(&mut state.what, What::Unknown)));
        }
    }
    for of_wave in todo.chunk_by(|one, two| items[one.0].wave() == items[two.0].wave()) {
        let applied = of_wave.iter().map(async |(index, object, planned)| {
            if cx.cancellation().check().is_err() {
                return false;
            }
            let applied = cluster.apply(object, ownership(plan)).await;
            let is_applied = applied.is_ok();
            let state = &mut states.borrow_mut()[*index];
            match applied {
                Ok(_) => state.what = *planned,
                Err(error) => state.became(State::of(&items[*index], error)),
            }
            is_applied
        });
        let all: Vec<bool> = stream::iter(applied).buffered(AT_ONCE).collect().await;
        if all.contains(&false) {
            return;
        }
    }
}

const fn ownership(plan: &RestorePlan) -> Ownership {
    if plan.is_forced { Ownership::Take } else { Ownership::Respect }
}
