//! One run at a time: <https://kubernetes.io/docs/concepts/architecture/leases/>.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
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

/// How soon a renewal that failed is tried again.
const AGAIN: Duration = Duration::from_secs(1);
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

/// Renews a lease at each third of its time, until it is lost.
async fn renew(
    cluster: Cluster,
    mut lease: Lease,
    holder: String,
    time: Duration,
    told: watch::Sender<State>,
) {
    let step = time / 3;
    loop {
        sleep(step).await;
        match cluster.renewed(&mut lease, &holder, time, step).await {
            Ok(began) => told.send_modify(|state| state.ends = began + time),
            Err(error) => {
                told.send_modify(|state| state.lost = Some(error));
                return;
            }
        }
    }
}

impl Cluster {
    /// Renews a lease, also when it has run out meanwhile: it is written with the version that was read last, so who
    /// succeeds knows that no other has held it since. Gives the moment from which its time counts.
    ///
    /// What may pass is tried again for as long as with all that is asked of the cluster.
    async fn renewed(
        &self,
        lease: &mut Lease,
        holder: &str,
        time: Duration,
        step: Duration,
    ) -> Result<Instant, Error> {
        let gives_up = Instant::now() + self.api.patience;
        loop {
            let began = Instant::now();
            let error =
                match timeout(step, self.with_patience(Duration::ZERO).renew_once(lease, holder, time)).await
                {
                    Ok(Ok(())) => return Ok(began),
                    Ok(Err(error @ (Error::Unreachable { .. } | Error::CouldNotTell { .. }))) => error,
                    Ok(Err(error)) => return Err(error),
                    Err(_) => Error::could_not_tell("the API server takes too long to renew the lease"),
                };
            if Instant::now() >= gives_up {
                return Err(error);
            }
            sleep(AGAIN).await;
        }
    }

    async fn renew_once(&self, lease: &mut Lease, holder: &str, time: Duration) -> Result<(), Error> {
        let renewed = |lease: &Lease| Lease {
            spec: Some(self.held(holder, time, lease.spec.as_ref())),
            ..lease.clone()
        };
        *lease = match self.replace(&renewed(lease)).await {
            // By another; or by us, and the answer was lost.
            Err(Error::Conflict { .. }) => {
                let found = self.get::<Lease>(lease.metadata.name.as_deref().unwrap_or_default()).await?;
                if found.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()) != Some(holder) {
                    return Err(held_by(&found));
                }
                self.replace(&renewed(&found)).await?
            }
            other => other?,
        };
        Ok(())
    }
}

impl Hold {
    /// Waits until it is not certain any more that the lease is held: it was not renewed in time, by our own clock, or
    /// it is lost. What is written after that may meet another's writing.
    pub async fn until_in_doubt(&self) {
        let mut state = self.state.clone();
        loop {
            let (ends, is_lost) = {
                let state = state.borrow_and_update();
                (state.ends, state.lost.is_some())
            };
            if is_lost || Instant::now() >= ends {
                return;
            }
            tokio::select! {
                () = sleep_until(ends) => {}
                changed = state.changed() => if changed.is_err() { sleep_until(ends).await },
            }
        }
    }

    /// Waits until it is certain again: the lease was renewed, and nobody else has held it meanwhile; or it is lost, and
    /// why.
    pub async fn until_certain(&self) -> Result<(), Error> {
        let mut state = self.state.clone();
        loop {
            {
                let state = state.borrow_and_update();
                match &state.lost {
                    Some(lost) => return Err(lost.clone()),
                    None if Instant::now() < state.ends => return Ok(()),
                    None => {}
                }
            }
            if state.changed().await.is_err() {
                return Err(Error::could_not_tell(format!("the lease {:?} is renewed no more", self.name)));
            }
        }
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
