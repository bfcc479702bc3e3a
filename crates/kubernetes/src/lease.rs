//! One run at a time: <https://kubernetes.io/docs/concepts/architecture/leases/>.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    Cluster, Error, Preconditions,
    meta::{MicroTime, ObjectMeta},
};

/// A lease that is held: renewed in the background until it is released or dropped.
///
/// Dropped without a release it stays until it runs out: the next run waits that long.
#[derive(Debug)]
pub struct Hold {
    cluster: Cluster,
    name: String,
    holder: String,
    renewal: JoinHandle<()>,
    state: watch::Receiver<State>,
}

/// Until when a lease is held by our own clock, and why it is not any more.
#[derive(Debug)]
struct State {
    ends: Instant,
    lost: Option<Error>,
}

/// Clocks within a cluster and ours, as far as they may be apart.
const SKEW: Duration = Duration::from_secs(2);

impl Cluster {
    /// Takes the lease of this name for `time`, and renews it until it is released.
    ///
    /// Held by another, it is [`Error::Held`]; one that ran out is taken over. A holder of the same name is the same
    /// run, come back. Times are by the clock of the API server, so that those of the machines need not agree.
    pub async fn hold(&self, lease: &str, holder: &str, time: Duration) -> Result<Hold, Error> {
        let began = Instant::now();
        let taken = match self.get::<Lease>(lease).await {
            Ok(found) => self.take(found, holder, time).await,
            Err(Error::NotFound { .. }) => {
                let fresh = Lease {
                    metadata: ObjectMeta { name: Some(lease.to_owned()), ..ObjectMeta::default() },
                    spec: Some(self.held(holder, time, None)),
                };
                match self.create(&fresh).await {
                    Err(Error::AlreadyExists { .. }) => {
                        self.take(self.get::<Lease>(lease).await?, holder, time).await
                    }
                    other => other,
                }
            }
            Err(error) => Err(error),
        };
        let taken = match taken {
            // Another one took it at the same moment.
            Err(Error::Conflict { .. }) => return Err(held_by(&self.get::<Lease>(lease).await?)),
            other => other?,
        };
        let (told, state) = watch::channel(State { ends: began + time, lost: None });
        let renewal = tokio::spawn(renew(self.clone(), taken, holder.to_owned(), time, told));
        Ok(Hold { cluster: self.clone(), name: lease.to_owned(), holder: holder.to_owned(), renewal, state })
    }

    /// Whether no one holds the lease of this name; else [`Error::Held`].
    pub async fn is_free(&self, lease: &str) -> Result<(), Error> {
        match self.get::<Lease>(lease).await {
            Ok(found) if found.spec.as_ref().is_some_and(|spec| self.is_held(spec)) => Err(held_by(&found)),
            Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn is_held(&self, spec: &LeaseSpec) -> bool {
        spec.holder_identity.as_deref().is_some_and(|by| !by.is_empty()) && !self.has_run_out(spec)
    }

    async fn take(&self, mut lease: Lease, holder: &str, time: Duration) -> Result<Lease, Error> {
        let before = lease.spec.take().unwrap_or_default();
        if before.holder_identity.as_deref() != Some(holder) && self.is_held(&before) {
            lease.spec = Some(before);
            return Err(held_by(&lease));
        }
        lease.spec = Some(self.held(holder, time, Some(&before)));
        self.replace(&lease).await
    }

    fn has_run_out(&self, spec: &LeaseSpec) -> bool {
        let (Some(renewed), Some(seconds)) = (&spec.renew_time, spec.lease_duration_seconds) else {
            // A lease that says nothing of its time holds until someone removes it.
            return false;
        };
        let now = self.api.transport.server_time();
        let seconds = u64::try_from(seconds).unwrap_or(0);
        now.duration_since(renewed.0) > (Duration::from_secs(seconds) + SKEW).try_into().unwrap_or_default()
    }

    fn held(&self, holder: &str, time: Duration, before: Option<&LeaseSpec>) -> LeaseSpec {
        let now = Some(MicroTime(self.api.transport.server_time()));
        let stays = before.filter(|before| before.holder_identity.as_deref() == Some(holder));
        let transitions = before.and_then(|before| before.lease_transitions).unwrap_or(0);
        LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(i32::try_from(time.as_secs().max(1)).unwrap_or(i32::MAX)),
            acquire_time: stays.and_then(|before| before.acquire_time.clone()).or_else(|| now.clone()),
            renew_time: now,
            lease_transitions: Some(if stays.is_some() || before.is_none() {
                transitions
            } else {
                transitions.saturating_add(1)
            }),
            ..LeaseSpec::default()
        }
    }
}

fn held_by(lease: &Lease) -> Error {
    let spec = lease.spec.clone().unwrap_or_default();
    Error::Held {
        lease: lease.metadata.name.clone().unwrap_or_default(),
        by: spec.holder_identity.unwrap_or_default(),
        since: spec.acquire_time.map(|since: MicroTime| -> Timestamp { since.0 }),
    }
}

/// Renews a lease at each third of its time, until it is lost: taken by another, or not renewed before it ran out.
async fn renew(
    cluster: Cluster,
    mut lease: Lease,
    holder: String,
    time: Duration,
    told: watch::Sender<State>,
) {
    loop {
        sleep(time / 3).await;
        let left = told.borrow().ends.saturating_duration_since(Instant::now());
        let began = Instant::now();
        let spec = cluster.held(&holder, time, lease.spec.as_ref());
        let next = Lease { spec: Some(spec), ..lease.clone() };
        match cluster.with_patience(left).replace(&next).await {
            Ok(held) => {
                lease = held;
                told.send_modify(|state| state.ends = began + time);
            }
            Err(error) => {
                told.send_modify(|state| state.lost = Some(error));
                return;
            }
        }
    }
}

impl Hold {
    /// Why the lease is held no more; nothing as long as it is. What is written after that may meet another's writing.
    pub fn lost(&self) -> Option<Error> {
        let State { ends, lost } = &*self.state.borrow();
        let has_run_out = Instant::now() >= *ends;
        lost.clone().or_else(|| has_run_out.then(|| self.ran_out()))
    }

    /// Waits until the lease is lost. A process that stood still meanwhile knows it by its clock, before it does
    /// anything else.
    pub async fn until_lost(&self) -> Error {
        let mut state = self.state.clone();
        loop {
            if let Some(lost) = self.lost() {
                return lost;
            }
            let ends = state.borrow_and_update().ends;
            tokio::select! {
                () = sleep_until(ends) => {}
                changed = state.changed() => if changed.is_err() { sleep_until(ends).await },
            }
        }
    }

    fn ran_out(&self) -> Error {
        Error::could_not_tell(format!("the lease {:?} was not renewed before it ran out", self.name))
    }

    /// Gives the lease back: the next run need not wait. One that another holds by now is left alone.
    pub async fn release(self) -> Result<(), Error> {
        self.renewal.abort();
        let lease = match self.cluster.get::<Lease>(&self.name).await {
            Err(Error::NotFound { .. }) => return Ok(()),
            other => other?,
        };
        let ours = lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_ref()) == Some(&self.holder);
        if !ours {
            return Ok(());
        }
        let this =
            Preconditions { uid: lease.metadata.uid, resource_version: lease.metadata.resource_version };
        match self.cluster.delete::<Lease>(&self.name, &this).await {
            Err(Error::NotFound { .. } | Error::Conflict { .. }) => Ok(()),
            other => other,
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}
