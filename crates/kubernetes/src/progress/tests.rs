use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::json;

use super::{sample::*, *};

/// Two pods of version 2 that serve, and nothing else.
fn rolled_out() -> Surroundings {
    let mut around = Surroundings {
        replica_sets: vec![replica_set("1"), replica_set("2")],
        pods: vec![web("new-a", "2"), web("new-b", "2")],
        ..Surroundings::default()
    };
    leads_to(&mut around, &[("new-a", true), ("new-b", true)]);
    around
}

fn waiting(around: &Surroundings, status: serde_json::Value) -> String {
    let deployment = deployment(2, "2", status);
    around.judge(Workload::Deployment(&deployment)).waiting.unwrap_or_else(|| "done".to_owned())
}

/// The status of one that is done, but for this.
fn but(key: &str, value: i64) -> serde_json::Value {
    let mut status = done(2);
    status[key] = value.into();
    status
}

#[test]
fn a_deployment_is_done_when_only_its_new_pods_serve() {
    assert_eq!(waiting(&rolled_out(), done(2)), "done");
    let judgement = rolled_out().judge(Workload::Deployment(&deployment(2, "2", done(2))));
    assert_eq!((judgement.wanted, judgement.ready, judgement.troubles.len()), (2, 2, 0));
}

#[test]
fn the_status_alone_can_say_no() {
    let around = rolled_out();
    assert_eq!(waiting(&around, but("observedGeneration", 1)), "its controller has not seen the change yet");
    assert_eq!(waiting(&around, json!({})), "its controller has not seen the change yet");
    assert_eq!(waiting(&around, but("updatedReplicas", 1)), "1 of 2 pods have the new version");
    assert_eq!(waiting(&around, but("replicas", 3)), "1 pod of the old version left");
    assert_eq!(waiting(&around, but("availableReplicas", 1)), "1 of 2 pods are available");
    assert_eq!(waiting(&around, but("terminatingReplicas", 4)), "4 old pods still terminating");
}

#[test]
fn the_pods_say_no_where_the_status_says_yes() {
    let with = |pod| {
        let mut around = rolled_out();
        around.pods.push(pod);
        waiting(&around, done(2))
    };
    assert_eq!(with(web("old", "1")), "1 pod of the old version left");
    assert_eq!(with(terminating(web("old", "1"))), "1 old pod still terminating");
    // Its ReplicaSet is gone already.
    assert_eq!(with(web("old", "0")), "1 pod of the old version left");
    let mut evicted = web("old", "1");
    evicted.status.phase = "Failed".into();
    assert_eq!(with(evicted), "done");
    assert_eq!(with(pod("stranger", "ReplicaSet", "other", true)), "1 pod of the old version left");
    let mut stranger = pod("stranger", "ReplicaSet", "other", true);
    stranger.metadata.labels.clear();
    assert_eq!(with(stranger), "done");

    let mut around = rolled_out();
    around.pods[0] = pod("new-a", "ReplicaSet", "2", false);
    assert_eq!(waiting(&around, done(2)), "1 of 2 pods are ready");
    around = rolled_out();
    around.replica_sets.remove(1);
    assert_eq!(waiting(&around, done(2)), "its new ReplicaSet is not there yet");
}

#[test]
fn the_endpoints_say_no_where_pods_and_status_say_yes() {
    let mut around = rolled_out();
    leads_to(&mut around, &[("new-a", true), ("new-b", true), ("gone", true)]);
    assert_eq!(waiting(&around, done(2)), "service/web still leads to 1 pod of the old version");
    leads_to(&mut around, &[("new-a", true), ("new-b", false)]);
    assert_eq!(waiting(&around, done(2)), "service/web does not lead to 1 new pod yet");
    // Another workload may be behind the same Service.
    leads_to(&mut around, &[("new-a", true), ("new-b", true), ("canary", true)]);
    let mut canary = pod("canary", "ReplicaSet", "canary", true);
    canary.metadata.labels.clear();
    around.pods.push(canary);
    assert_eq!(waiting(&around, done(2)), "done");
    around.slices.clear();
    assert_eq!(waiting(&around, done(2)), "service/web does not lead to 2 new pods yet");
    for pod in &mut around.pods {
        pod.status.pod_ip.clear();
    }
    assert_eq!(waiting(&around, done(2)), "done");
}

#[test]
fn a_service_without_selector_is_no_one_s() {
    let mut around = rolled_out();
    leads_to(&mut around, &[("gone", true)]);
    around.services[0].spec.selector.clear();
    assert_eq!(waiting(&around, done(2)), "done");
}

#[test]
fn nothing_wanted_is_done_when_nothing_is_left() {
    let mut around = rolled_out();
    let none = deployment(0, "2", json!({"observedGeneration": 2}));
    let waiting = |around: &Surroundings| around.judge(Workload::Deployment(&none)).waiting;
    assert_eq!(waiting(&around).as_deref(), Some("2 of 0 pods are ready"));
    around.pods.clear();
    leads_to(&mut around, &[]);
    assert_eq!(waiting(&around), None);
}

fn set_status(updated: i32, current: &str) -> serde_json::Value {
    json!({
        "observedGeneration": 2,
        "replicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "updatedReplicas": updated,
        "currentRevision": current,
        "updateRevision": "db-2",
    })
}

#[test]
fn a_stateful_set_is_done_at_one_revision() {
    let judge = |revisions: [&str; 3], status| {
        let pods = revisions.iter().enumerate().map(|(at, revision)| of_set(&format!("db-{at}"), revision));
        let around = Surroundings { pods: pods.collect(), ..Surroundings::default() };
        let set = stateful_set(3, json!({"type": "RollingUpdate"}), status);
        around.judge(Workload::StatefulSet(&set)).waiting.unwrap_or_else(|| "done".to_owned())
    };
    assert_eq!(judge(["db-2"; 3], set_status(3, "db-2")), "done");
    assert_eq!(judge(["db-2"; 3], set_status(3, "db-1")), "its revision is not the current one yet");
    assert_eq!(judge(["db-2"; 3], set_status(2, "db-2")), "2 of 3 pods have the new version");
    assert_eq!(judge(["db-1", "db-2", "db-2"], set_status(3, "db-2")), "1 pod of the old version left");
    assert_eq!(
        judge(["db-2"; 3], json!({"observedGeneration": 1, "replicas": 3})),
        "its controller has not seen the change yet"
    );
}

#[test]
fn pods_behind_a_partition_stay() {
    let judge = |partition: i32, revisions: [&str; 3], updated| {
        let pods = revisions.iter().enumerate().map(|(at, revision)| of_set(&format!("db-{at}"), revision));
        let around = Surroundings { pods: pods.collect(), ..Surroundings::default() };
        let strategy = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": partition}});
        let set = stateful_set(3, strategy, set_status(updated, "db-1"));
        around.judge(Workload::StatefulSet(&set)).waiting.unwrap_or_else(|| "done".to_owned())
    };
    assert_eq!(judge(2, ["db-1", "db-1", "db-2"], 1), "done");
    assert_eq!(judge(2, ["db-1", "db-1", "db-1"], 1), "1 pod of the old version left");
    assert_eq!(judge(1, ["db-1", "db-1", "db-2"], 2), "1 pod of the old version left");
    assert_eq!(judge(9, ["db-1", "db-1", "db-1"], 0), "done");
}

#[test]
fn a_daemon_set_is_done_on_every_node() {
    let judge = |revisions: &[&str], updated: i32, available: i32| {
        let pods =
            revisions.iter().enumerate().map(|(at, revision)| of_set(&format!("agent-{at}"), revision));
        let around = Surroundings { pods: pods.collect(), ..Surroundings::default() };
        let set = daemon_set(json!({
            "observedGeneration": 2,
            "desiredNumberScheduled": 2,
            "currentNumberScheduled": 2,
            "numberReady": 2,
            "numberMisscheduled": 0,
            "updatedNumberScheduled": updated,
            "numberAvailable": available,
        }));
        around.judge(Workload::DaemonSet(&set)).waiting.unwrap_or_else(|| "done".to_owned())
    };
    assert_eq!(judge(&["2", "2"], 2, 2), "done");
    assert_eq!(judge(&["2", "2"], 1, 2), "1 of 2 pods have the new version");
    assert_eq!(judge(&["2", "2"], 2, 1), "1 of 2 pods are available");
    assert_eq!(judge(&["1", "2"], 2, 2), "its pods have different versions");
}

/// The troubles when one of two new pods is this one, as `object reason patience`.
fn troubles(pod: Pod, status: serde_json::Value, events: serde_json::Value) -> Vec<String> {
    let mut around = rolled_out();
    around.pods[1] = pod;
    around.events = object(events);
    let deployment = deployment(2, "2", status);
    let judgement = around.judge(Workload::Deployment(&deployment));
    let line = |trouble: &Trouble| format!("{} {} {:?}", trouble.object, trouble.reason, trouble.patience);
    judgement.troubles.iter().map(line).collect()
}

#[test]
fn a_container_that_can_not_run_is_told_at_once() {
    let behind = || but("availableReplicas", 1);
    let waits = |reason: &str| {
        let pod = with_container(web("new-b", "2"), json!({"state": {"waiting": {"reason": reason}}}));
        troubles(pod, behind(), json!([]))
    };
    assert_eq!(waits("CrashLoopBackOff"), ["pod/new-b CrashLoopBackOff Some(0ns)"]);
    assert_eq!(waits("ErrImagePull"), ["pod/new-b ErrImagePull Some(5s)"]);
    assert_eq!(waits("CreateContainerConfigError"), ["pod/new-b CreateContainerConfigError Some(16s)"]);
    assert_eq!(waits("InvalidImageName"), ["pod/new-b InvalidImageName Some(0ns)"]);
    assert_eq!(waits("ContainerCreating"), [""; 0]);
    let restarts = |count: i32| {
        let status = json!({"restartCount": count, "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}});
        troubles(with_container(web("new-b", "2"), status), behind(), json!([]))
    };
    assert_eq!(restarts(2), [""; 0]);
    assert_eq!(restarts(3), ["pod/new-b Restarting Some(0ns)"]);
}

/// A registry that has answered has answered; one that could not is asked again by the kubelet, for a while.
#[test]
fn a_registry_may_be_out_of_reach_for_a_while() {
    let with = |reason: &str, message: &str, event: &str| {
        let waiting = json!({"state": {"waiting": {"reason": reason, "message": message}}});
        let events = json!([{"metadata": {}, "involvedObject": {"uid": "new-b"}, "reason": "Failed", "message": event}]);
        let pod = with_container(web("new-b", "2"), waiting);
        troubles(pod, but("availableReplicas", 1), events)[0].rsplit_once(' ').unwrap().1.to_owned()
    };
    let back_off = "Back-off pulling image \"web:2\"";
    let cases = [
        ("not found", "Some(5s)", "Some(0ns)"),
        (
            "pull access denied, repository does not exist or may require authorization",
            "Some(5s)",
            "Some(0ns)",
        ),
        (
            "unexpected status from HEAD request to https://r.example.com/v2/: 401 Unauthorized",
            "Some(5s)",
            "Some(0ns)",
        ),
        ("dial tcp 10.0.0.1:443: i/o timeout", "Some(90s)", "Some(90s)"),
        ("unexpected status: 503 Service Unavailable", "Some(90s)", "Some(90s)"),
        ("toomanyrequests: You have reached your pull rate limit", "Some(90s)", "Some(90s)"),
        ("pull QPS exceeded", "Some(90s)", "Some(90s)"),
        ("lookup r.example.com: no such host", "Some(90s)", "Some(90s)"),
    ];
    for (cause, at_first, then) in cases {
        let failed = format!("Failed to pull image \"web:2\": {cause}");
        assert_eq!(with("ErrImagePull", cause, ""), at_first, "{cause}");
        assert_eq!(
            with("ImagePullBackOff", &format!("{back_off}: ErrImagePull: {cause}"), ""),
            then,
            "{cause}"
        );
        // Of older kubelets only an event tells the cause.
        assert_eq!(with("ImagePullBackOff", back_off, &failed), then, "{cause}");
    }
    assert_eq!(with("ImagePullBackOff", back_off, ""), "Some(5s)");
}

/// One that has been up for days and is not ready for a moment is in no loop, however often it was started again.
#[test]
fn restarts_of_long_ago_say_nothing() {
    let restarted = |started: &str| {
        let last = json!({"exitCode": 137, "reason": "OOMKilled", "startedAt": started, "finishedAt": "2026-01-02T00:00:00Z"});
        let status = json!({"restartCount": 7, "state": {"running": {}}, "lastState": {"terminated": last}});
        troubles(with_container(web("new-b", "2"), status), but("availableReplicas", 1), json!([]))
    };
    assert_eq!(restarted("2026-01-01T00:00:00Z"), [""; 0]);
    assert_eq!(restarted("2026-01-01T23:59:00Z"), ["pod/new-b Restarting Some(0ns)"]);
}

#[test]
fn a_container_beside_the_others_counts_as_one_of_them() {
    let mut pod = web("new-b", "2");
    pod.status.init_container_statuses = object(json!([{
        "name": "proxy", "ready": false, "restartCount": 2,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 1}},
    }]));
    let told = troubles(pod.clone(), but("availableReplicas", 1), json!([]));
    assert_eq!(told, ["pod/new-b CrashLoopBackOff Some(0ns)"]);
    // Started again while the workload is done: it has not stayed so.
    let mut around = rolled_out();
    let restarts = |around: &Surroundings| {
        let judgement = around.judge(Workload::Deployment(&deployment(2, "2", done(2))));
        judgement.steady.iter().map(|pod| pod.restarts).sum::<i32>()
    };
    assert_eq!(restarts(&around), 0);
    around.pods[1] = pod;
    assert_eq!(restarts(&around), 2);
}

/// Its containers are ready, and the load balancer does not send to it yet: the kubelet's word for it is what counts.
#[test]
fn a_pod_is_ready_when_its_readiness_gates_are() {
    let gate = "target-health.elbv2.k8s.aws/k8s-shop-web-0123456789";
    let with = |ready: &str, reason: serde_json::Value| {
        let mut pod = web("new-b", "2");
        pod.status.conditions = object(json!([
            {"type": "ContainersReady", "status": "True"},
            {"type": gate, "status": ready},
            {"type": "Ready", "status": ready, "reason": reason, "message": format!("the status of pod readiness gate \"{gate}\" is not \"True\", but {ready}")},
        ]));
        let mut around = rolled_out();
        around.pods[1] = pod;
        // Also where the status of the Deployment is ahead.
        let judgement = around.judge(Workload::Deployment(&deployment(2, "2", done(2))));
        let trouble = judgement.troubles.first().map(|trouble| (trouble.message.clone(), trouble.patience));
        (judgement.waiting, trouble)
    };
    let (waiting, trouble) = with("False", json!("ReadinessGatesNotReady"));
    assert_eq!(waiting.as_deref(), Some("1 of 2 pods are ready"));
    let (message, patience) = trouble.unwrap();
    assert!(message.contains(gate), "{message}");
    assert_eq!(patience, None);
    assert_eq!(with("True", json!(null)), (None, None));
}

#[test]
fn what_is_wrong_with_old_pods_is_what_the_deployment_mends() {
    let old = with_container(web("old", "1"), json!({"state": {"waiting": {"reason": "CrashLoopBackOff"}}}));
    assert_eq!(troubles(old, but("updatedReplicas", 1), json!([])), [""; 0]);
}

#[test]
fn a_pod_that_no_node_takes_is_given_the_time_of_an_autoscaler() {
    let mut pod = web("new-b", "2");
    pod.status.conditions = object(json!([
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available"},
    ]));
    let event =
        |reason: &str| json!([{"metadata": {}, "involvedObject": {"uid": "new-b"}, "reason": reason}]);
    let told = |events| troubles(pod.clone(), but("availableReplicas", 1), events);
    assert_eq!(told(json!([])), ["pod/new-b Unschedulable Some(30s)"]);
    assert_eq!(told(event("FailedScheduling")), ["pod/new-b Unschedulable Some(30s)"]);
    assert_eq!(told(event("TriggeredScaleUp")), ["pod/new-b Unschedulable None"]);
    assert_eq!(told(event("Nominated")), ["pod/new-b Unschedulable None"]);

    let gate = object(json!([{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]));
    let gated = Pod { status: PodStatus { conditions: gate, ..pod.status.clone() }, ..pod.clone() };
    assert_eq!(troubles(gated, but("availableReplicas", 1), json!([])), ["pod/new-b SchedulingGated None"]);
    // Others are removed for it.
    pod.status.nominated_node_name = "node-1".into();
    assert_eq!(troubles(pod, but("availableReplicas", 1), json!([])), ["pod/new-b Unschedulable None"]);
}

/// Whatever old pods take to end, they leave room for the new ones: in a quota and on a node.
#[test]
fn pods_on_their_way_out_make_room() {
    let patience = |is_making_room: bool| {
        let mut around = rolled_out();
        around.pods[1].status.conditions =
            object(json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]));
        if is_making_room {
            around.pods.push(terminating(web("old", "1")));
        }
        let mut status = but("updatedReplicas", 1);
        status["conditions"] =
            json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}]);
        let judgement = around.judge(Workload::Deployment(&deployment(2, "2", status)));
        judgement
            .troubles
            .iter()
            .map(|trouble| trouble.patience.map(|time| time.as_secs()))
            .collect::<Vec<_>>()
    };
    assert_eq!(patience(false), [Some(15), Some(30)]);
    assert_eq!(patience(true), [None, None]);
}

/// The node has taken it, and what it needs is not there.
#[test]
fn what_keeps_a_node_from_preparing_a_pod_is_told() {
    let waits = json!({"state": {"waiting": {"reason": "ContainerCreating"}}});
    let told = |reason: &str, message: &str| {
        let event = json!([{"metadata": {}, "involvedObject": {"uid": "new-b"}, "reason": reason, "message": message}]);
        troubles(with_container(web("new-b", "2"), waits.clone()), but("availableReplicas", 1), event)
    };
    let missing = "MountVolume.SetUp failed for volume \"keys\" : secret \"keys\" not found";
    assert_eq!(told("FailedMount", missing), ["pod/new-b FailedMount Some(30s)"]);
    let elsewhere = "Multi-Attach error for volume \"pvc-1\"";
    assert_eq!(told("FailedAttachVolume", elsewhere), ["pod/new-b FailedAttachVolume None"]);
    assert_eq!(told("FailedCreatePodSandBox", "no address"), ["pod/new-b FailedCreatePodSandBox None"]);
    assert_eq!(told("Scheduled", ""), [""; 0]);
    // It is prepared by now.
    let runs = with_container(web("new-b", "2"), json!({"state": {"running": {}}}));
    let event = json!([{"metadata": {}, "involvedObject": {"uid": "new-b"}, "reason": "FailedMount", "message": missing}]);
    assert_eq!(troubles(runs, but("availableReplicas", 1), event), [""; 0]);
}

/// Nothing is known to be wrong, and it is not done: what to look at.
#[test]
fn who_lags_behind_is_known() {
    let laggard = |change: &dyn Fn(&mut Surroundings)| {
        let mut around = rolled_out();
        change(&mut around);
        let judgement = around.judge(Workload::Deployment(&deployment(2, "2", done(2))));
        judgement.laggard.map(|laggard| format!("{} {}: {}", laggard.object, laggard.reason, laggard.message))
    };
    assert_eq!(laggard(&|_| ()), None);
    let runs = || with_container(web("new-b", "2"), json!({"state": {"running": {}}}));
    assert_eq!(
        laggard(&|around| around.pods[1] = runs()).unwrap(),
        "pod/new-b NotReady: container web runs, and is not ready"
    );
    let probe = json!([{"metadata": {}, "involvedObject": {"uid": "new-b"}, "reason": "Unhealthy", "message": "Readiness probe failed: HTTP probe failed with statuscode: 503"}]);
    assert_eq!(
        laggard(&|around| (around.pods[1], around.events) = (runs(), object(probe.clone()))).unwrap(),
        "pod/new-b Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503"
    );
    let evicted = json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: ephemeral-storage."});
    assert_eq!(
        laggard(&|around| around.pods[1].status = object(evicted.clone())).unwrap(),
        "pod/new-b Evicted: The node was low on resource: ephemeral-storage."
    );
    let mut held = terminating(web("old", "1"));
    assert_eq!(
        laggard(&|around| around.pods.push(held.clone())).unwrap(),
        "pod/old Terminating: it should have ended by 2026-01-01T00:00:00Z; its node may not answer"
    );
    held.metadata.finalizers = vec!["example.com/keep".into()];
    assert_eq!(
        laggard(&|around| around.pods.push(held.clone())).unwrap(),
        "pod/old Terminating: it should have ended by 2026-01-01T00:00:00Z; its finalizers hold it: example.com/keep"
    );
}

#[test]
fn a_workload_that_is_being_removed_is_not_waited_for() {
    let mut leaving = deployment(2, "2", but("updatedReplicas", 1));
    leaving.metadata.deletion_timestamp = object(json!("2026-01-01T00:00:00Z"));
    let judgement = rolled_out().judge(Workload::Deployment(&leaving));
    assert_eq!(judgement.troubles[0].message, "someone is removing it");
    assert_eq!(judgement.troubles[0].patience, Some(Duration::ZERO));
}

/// A node got a taint after it had got its pod: the pod stays, and is not asked for any more.
#[test]
fn a_pod_that_stays_where_no_new_one_would_come_is_no_obstacle() {
    let judge = |misscheduled: i32| {
        let pods = ["a", "b", "c"].map(|name| of_set(name, "2")).to_vec();
        let around = Surroundings { pods, ..Surroundings::default() };
        let set = daemon_set(json!({
            "observedGeneration": 2, "desiredNumberScheduled": 2, "currentNumberScheduled": 2,
            "updatedNumberScheduled": 2, "numberAvailable": 2, "numberMisscheduled": misscheduled,
        }));
        around.judge(Workload::DaemonSet(&set)).waiting
    };
    assert_eq!(judge(1), None);
    assert_eq!(judge(0).as_deref(), Some("3 of 2 pods are ready"));
}

/// What a Job's containers end with is its own to try again; what keeps them from starting is not.
#[test]
fn what_keeps_a_job_from_starting_is_told() {
    let job = object(json!({"metadata": {"name": "migrate", "uid": "job"}, "spec": {"template": {}}}));
    let judge = |reason: &str, events: serde_json::Value| {
        let pod = with_container(web("a", "2"), json!({"state": {"waiting": {"reason": reason}}}));
        let (pods, events): (_, Vec<Event>) = ([pod], object(events));
        let around = Around::new([], &pods, [], [], &events);
        judge_start(&job, &pods, &around)
            .iter()
            .map(|one| format!("{} {}", one.object, one.reason))
            .collect::<Vec<_>>()
    };
    assert_eq!(judge("CrashLoopBackOff", json!([])), [""; 0]);
    assert_eq!(judge("CreateContainerError", json!([])), ["pod/a CreateContainerError"]);
    assert_eq!(judge("ErrImagePull", json!([])), ["pod/a ErrImagePull"]);
    let refused = json!([{"metadata": {}, "involvedObject": {"uid": "job"}, "reason": "FailedCreate", "lastTimestamp": "2026-01-01T00:00:00Z"}]);
    assert_eq!(judge("ContainerCreating", refused), ["job/migrate FailedCreate"]);
}

#[test]
fn conditions_of_the_version_before_say_nothing() {
    let mut status = but("observedGeneration", 1);
    status["conditions"] = json!([
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"},
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"},
    ]);
    assert_eq!(troubles(web("new-b", "2"), status.clone(), json!([])), [""; 0]);
    status["observedGeneration"] = 2.into();
    status["updatedReplicas"] = 1.into();
    assert_eq!(
        troubles(web("new-b", "2"), status, json!([])),
        ["deployment/web ProgressDeadlineExceeded Some(5s)", "deployment/web FailedCreate Some(15s)"]
    );
}

#[test]
fn what_nobody_will_move_is_told_at_once() {
    let mut paused = deployment(2, "2", but("updatedReplicas", 0));
    paused.spec.paused = true;
    let judgement = rolled_out().judge(Workload::Deployment(&paused));
    assert_eq!(judgement.troubles[0].reason, "Paused");
    let set = stateful_set(3, json!({"type": "OnDelete"}), set_status(0, "db-1"));
    let judgement = Surroundings::default().judge(Workload::StatefulSet(&set));
    assert_eq!(judgement.troubles[0].reason, "OnDelete");
}

#[test]
fn pods_that_a_quota_forbids_are_told_by_events() {
    let events = object(json!([{
        "metadata": {},
        "involvedObject": {"uid": "set"},
        "reason": "FailedCreate",
        "message": "exceeded quota: small",
        "lastTimestamp": "2026-01-01T00:00:10Z",
    }]));
    let mut around = Surroundings { events, ..Surroundings::default() };
    let set = stateful_set(3, json!({}), set_status(0, "db-1"));
    let judged = |around: &Surroundings| around.judge(Workload::StatefulSet(&set)).troubles;
    assert_eq!(judged(&around)[0].message, "exceeded quota: small");
    let mut later = of_set("db-2", "db-2");
    later.metadata.creation_timestamp = object(json!("2026-01-01T00:00:20Z"));
    around.pods.push(later);
    assert_eq!(judged(&around), []);
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

fn judgement(waiting: Option<&str>, restarts: i32) -> Judgement {
    Judgement {
        wanted: 1,
        ready: 1,
        waiting: waiting.map(str::to_owned),
        troubles: Vec::new(),
        laggard: None,
        steady: vec![Steady { uid: "a".into(), restarts, ready_since: None }],
    }
}

#[test]
fn what_is_done_must_stay_so() {
    let mut patience = Patience::new(Duration::from_secs(10));
    let seconds = Duration::from_secs;
    assert_eq!(patience.weigh(&judgement(None, 0), at(0)), Decision::Wait(seconds(10)));
    assert_eq!(patience.weigh(&judgement(None, 0), at(9)), Decision::Wait(seconds(1)));
    assert_eq!(patience.weigh(&judgement(Some("1 of 2"), 0), at(9)), Decision::Wait(seconds(5)));
    assert_eq!(patience.weigh(&judgement(None, 0), at(10)), Decision::Wait(seconds(10)));
    // Away and back between two looks: a container was started again.
    assert_eq!(patience.weigh(&judgement(None, 1), at(19)), Decision::Wait(seconds(10)));
    assert_eq!(patience.weigh(&judgement(None, 1), at(29)), Decision::Done);
    assert_eq!(patience.relapses(), 2);
    assert_eq!(Patience::new(Duration::ZERO).weigh(&judgement(None, 0), at(0)), Decision::Done);
}

#[test]
fn a_trouble_fails_when_it_lasts() {
    let trouble = |patience: Option<u64>| Trouble {
        object: "pod/a".into(),
        reason: "ErrImagePull".into(),
        message: String::new(),
        culprit: None,
        patience: patience.map(Duration::from_secs),
    };
    let troubled = |patience| Judgement { troubles: vec![trouble(patience)], ..judgement(Some("1 of 2"), 0) };
    let mut patience = Patience::new(Duration::ZERO);
    assert_eq!(patience.weigh(&troubled(Some(4)), at(0)), Decision::Wait(Duration::from_secs(4)));
    // The wait for the next pull is the same trouble.
    let pulls = |reason: &str| Trouble { reason: reason.into(), ..trouble(Some(4)) };
    let pulling = |reason| Judgement { troubles: vec![pulls(reason)], ..judgement(Some("1 of 2"), 0) };
    let mut pull = Patience::new(Duration::ZERO);
    assert_eq!(pull.weigh(&pulling("ErrImagePull"), at(0)), Decision::Wait(Duration::from_secs(4)));
    assert_eq!(pull.weigh(&pulling("ImagePullBackOff"), at(2)), Decision::Wait(Duration::from_secs(2)));
    assert!(matches!(pull.weigh(&pulling("ErrImagePull"), at(4)), Decision::Failed(_)));
    // It passed, and came back: a trouble of its own.
    assert_eq!(patience.weigh(&judgement(Some("1 of 2"), 0), at(3)), Decision::Wait(Duration::from_secs(5)));
    assert_eq!(patience.weigh(&troubled(Some(4)), at(5)), Decision::Wait(Duration::from_secs(4)));
    assert_eq!(patience.weigh(&troubled(Some(4)), at(9)), Decision::Failed(vec![trouble(Some(4))]));
    assert_eq!(patience.weigh(&troubled(None), at(999)), Decision::Wait(Duration::from_secs(5)));
    assert_eq!(patience.weigh(&troubled(Some(0)), at(999)), Decision::Failed(vec![trouble(Some(0))]));
}

#[test]
fn a_job_ends_by_its_conditions() {
    let judged = |status: serde_json::Value| {
        judge_job(&object(json!({"metadata": {}, "spec": {"template": {}}, "status": status})))
    };
    let condition = |kind: &str, status: &str| json!({"conditions": [{"type": kind, "status": status, "reason": "BackoffLimitExceeded", "message": "too often"}]});
    assert_eq!(judged(json!({})), JobState::Running);
    assert_eq!(judged(json!({"succeeded": 1})), JobState::Running);
    assert_eq!(judged(condition("Complete", "True")), JobState::Done);
    assert_eq!(judged(condition("Failed", "False")), JobState::Running);
    assert_eq!(judged(condition("FailureTarget", "True")), JobState::Running);
    assert_eq!(
        judged(condition("Failed", "True")),
        JobState::Failed("BackoffLimitExceeded: too often".into())
    );
    let suspended = json!({"metadata": {}, "spec": {"suspend": true, "template": {}}});
    assert_eq!(judge_job(&object(suspended)), JobState::Suspended);
}

/// A pod as chance makes it: of which version, ready or not, on its way out or not, led to or not.
fn any_pod() -> impl Strategy<Value = (bool, bool, bool, bool)> {
    (any::<bool>(), prop::bool::weighted(0.8), prop::bool::weighted(0.2), prop::bool::weighted(0.8))
}

proptest! {
    /// Whatever the status claims, nothing is done while an old pod serves, and not before the new ones do.
    #[test]
    fn never_done_while_an_old_pod_serves(
        pods in prop::collection::vec(any_pod(), 0..5),
        wanted in 0_i32..4,
        claims in prop::collection::vec(prop::option::of(0_i64..4), 5),
    ) {
        let name = |at: usize| format!("p{at}");
        let mut around = Surroundings { replica_sets: vec![replica_set("1"), replica_set("2")], ..Surroundings::default() };
        for (at, (is_new, is_ready, is_leaving, _)) in pods.iter().enumerate() {
            let pod = pod(&name(at), "ReplicaSet", if *is_new { "2" } else { "1" }, *is_ready);
            around.pods.push(if *is_leaving { terminating(pod) } else { pod });
        }
        let names: Vec<(String, bool)> = pods.iter().enumerate()
            .filter(|(_, pod)| pod.3)
            .map(|(at, pod)| (name(at), pod.1))
            .collect();
        leads_to(&mut around, &names.iter().map(|(name, is_ready)| (name.as_str(), *is_ready)).collect::<Vec<_>>());
        let mut status = done(wanted);
        let keys = ["observedGeneration", "replicas", "updatedReplicas", "availableReplicas", "terminatingReplicas"];
        for (key, claim) in keys.iter().zip(&claims) {
            if let Some(claim) = claim {
                status[*key] = (*claim).into();
            }
        }
        let deployment = deployment(wanted, "2", status.clone());
        if around.judge(Workload::Deployment(&deployment)).is_done() {
            prop_assert!(pods.iter().all(|(is_new, _, is_leaving, _)| *is_new && !is_leaving));
            prop_assert_eq!(pods.iter().filter(|pod| pod.1).count(), usize::try_from(wanted).unwrap());
            prop_assert!(pods.iter().filter(|pod| pod.1).all(|pod| pod.3));
            prop_assert!(status["observedGeneration"].as_i64() >= Some(2));
        }
    }
}
