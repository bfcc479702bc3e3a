//! The order in which objects are put back: what others need, first.

/// When objects of a kind are put back: all of one number before the next.
///
/// Limits come before what they limit, accounts, settings and claims before the workloads that mount them, roles
/// before who is bound to them. What a cluster learned later (custom resources, and groups unknown here) comes last: it
/// may speak of anything before it.
pub(crate) fn wave(group: &str, kind: &str) -> u8 {
    match (group, kind) {
        ("", "ResourceQuota" | "LimitRange") | ("networking.k8s.io", "NetworkPolicy") | ("policy", _) => 0,
        ("", "ServiceAccount") | ("rbac.authorization.k8s.io", "Role") => 1,
        ("", "Secret" | "ConfigMap") | ("rbac.authorization.k8s.io", _) => 2,
        ("", "PersistentVolumeClaim") | ("resource.k8s.io", _) => 3,
        ("", "Service") => 4,
        ("", "Endpoints") | ("discovery.k8s.io", _) => 5,
        ("", _) | ("apps", _) => 6,
        ("batch", _) => 7,
        ("autoscaling" | "networking.k8s.io", _) => 8,
        _ => 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_need_comes_first() {
        let order = [
            ("", "ResourceQuota"),
            ("", "ServiceAccount"),
            ("", "Secret"),
            ("", "PersistentVolumeClaim"),
            ("", "Service"),
            ("discovery.k8s.io", "EndpointSlice"),
            ("apps", "StatefulSet"),
            ("batch", "CronJob"),
            ("autoscaling", "HorizontalPodAutoscaler"),
            ("example.com", "Widget"),
        ];
        let waves: Vec<u8> = order.iter().map(|(group, kind)| wave(group, kind)).collect();
        assert_eq!(waves, (0..10).collect::<Vec<u8>>());
        assert!(wave("rbac.authorization.k8s.io", "Role") < wave("rbac.authorization.k8s.io", "RoleBinding"));
        assert_eq!(wave("", "ConfigMap"), wave("", "Secret"));
        // A kind of a stranger's group is no Secret, whatever it is called.
        assert_eq!(wave("example.com", "Secret"), 9);
    }
}
