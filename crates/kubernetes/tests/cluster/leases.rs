//! One run at a time.

use std::time::Duration;

use serde_json::json;
use sluice_kubernetes::{Error, Hold};
use sluice_kubernetes_fake::{Fault, Kubernetes};

use crate::support::{block_on, cluster};

const LONG: Duration = Duration::from_secs(30);

#[test]
fn a_lease_that_is_held_is_held() {
    let kubernetes = Kubernetes::start();
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        let hold = cluster.hold("sluice-rollout", "run 1", LONG).await.unwrap();
        let refused = cluster.hold("sluice-rollout", "run 2", LONG).await.unwrap_err();
        let Error::Held { by, since, .. } = &refused else { panic!("{refused:?}") };
        assert_eq!((by.as_str(), since.is_some()), ("run 1", true));
        assert!(
            refused.to_string().starts_with("run 1 holds the lease \"sluice-rollout\" since "),
            "{refused}"
        );
        // The same run, come back.
        let again = cluster.hold("sluice-rollout", "run 1", LONG).await.unwrap();
        again.release().await.unwrap();
        drop(hold);
        cluster.hold("sluice-rollout", "run 2", LONG).await.unwrap().release().await.unwrap();
    });
    assert!(kubernetes.get("leases", "shop", "sluice-rollout").is_null());
}

#[test]
fn a_lease_that_ran_out_is_taken_over_and_counted() {
    let kubernetes = Kubernetes::start();
    kubernetes.create(
        "shop",
        &json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "sluice-rollout"},
            "spec": {
                "holderIdentity": "run 1", "leaseDurationSeconds": 30, "leaseTransitions": 4,
                "acquireTime": "2026-01-01T00:00:00.000000Z", "renewTime": "2026-01-01T00:00:00.000000Z",
            },
        }),
    );
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        let hold = cluster.hold("sluice-rollout", "run 2", LONG).await.unwrap();
        let spec = kubernetes.get("leases", "shop", "sluice-rollout")["spec"].clone();
        assert_eq!((&spec["holderIdentity"], &spec["leaseTransitions"]), (&json!("run 2"), &json!(5)));
        hold.release().await.unwrap();
    });
}

#[test]
fn of_two_who_come_at_once_one_gets_it() {
    for _ in 0..10 {
        let kubernetes = Kubernetes::start();
        block_on(async {
            let (one, other) = (cluster(&kubernetes).await, cluster(&kubernetes).await);
            let (one, other) = tokio::join!(
                one.hold("sluice-rollout", "run 1", LONG),
                other.hold("sluice-rollout", "run 2", LONG),
            );
            let lost = match (one, other) {
                (Ok(_), Err(lost)) | (Err(lost), Ok(_)) => lost,
                both => panic!("{both:?}"),
            };
            assert!(matches!(lost, Error::Held { .. }), "{lost:?}");
        });
    }
}

#[test]
fn a_hold_is_renewed_and_tells_when_it_is_lost() {
    let kubernetes = Kubernetes::start();
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        let hold = cluster.hold("sluice-rollout", "run 1", Duration::from_secs(1)).await.unwrap();
        let renewals = || kubernetes.states("leases", "shop", "sluice-rollout").len();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert!(renewals() >= 3 && is_certain(&hold).await);
        // A note on it makes it no other's.
        kubernetes.edit("kubectl-edit", "leases", "shop", "sluice-rollout", |lease| {
            lease["metadata"]["annotations"] = json!({"note": "do not touch"});
        });
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert!(is_certain(&hold).await);
        kubernetes.edit("kubectl-edit", "leases", "shop", "sluice-rollout", |lease| {
            lease["spec"]["holderIdentity"] = "run 2".into();
        });
        hold.until_in_doubt().await;
        let lost = hold.until_certain().await.unwrap_err();
        assert!(matches!(&lost, Error::Held { by, .. } if by == "run 2"), "{lost:?}");
        // What another holds is left to it.
        hold.release().await.unwrap();
    });
    assert_eq!(kubernetes.get("leases", "shop", "sluice-rollout")["spec"]["holderIdentity"], "run 2");
}

/// What the API server does while it is away for longer than the lease lasts: nobody else took it, so it is held still.
#[test]
fn a_hold_that_ran_out_and_nobody_took_is_held_again() {
    for fault in [Fault::Reset, Fault::LoseReply] {
        let kubernetes = Kubernetes::start();
        block_on(async {
            let cluster = cluster(&kubernetes).await;
            let hold = cluster.hold("sluice-rollout", "run 1", Duration::from_secs(1)).await.unwrap();
            kubernetes.faults(move |_| Some(fault.clone()));
            hold.until_in_doubt().await;
            assert!(!is_certain(&hold).await);
            kubernetes.faults(|_| None);
            hold.until_certain().await.unwrap();
            assert!(is_certain(&hold).await);
            hold.release().await.unwrap();
        });
    }
}

#[test]
fn a_hold_that_can_not_be_renewed_is_lost_in_the_end() {
    let kubernetes = Kubernetes::start();
    block_on(async {
        let cluster = cluster(&kubernetes).await.with_patience(Duration::from_secs(2));
        let hold = cluster.hold("sluice-rollout", "run 1", Duration::from_secs(1)).await.unwrap();
        kubernetes.faults(|request| (request.method == "PUT").then_some(Fault::Reset));
        hold.until_in_doubt().await;
        let lost = hold.until_certain().await.unwrap_err();
        assert!(matches!(lost, Error::Unreachable { .. }), "{lost:?}");
    });
}

async fn is_certain(hold: &Hold) -> bool {
    tokio::select! {
        biased;
        () = hold.until_in_doubt() => false,
        () = std::future::ready(()) => true,
    }
}
