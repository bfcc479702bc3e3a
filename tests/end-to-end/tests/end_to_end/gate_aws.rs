//! gate-approval over AWS: moto, over HTTP.

use serde_json::{Value, json};
use sluice_end_to_end::{Outcome, Repository, Run};
use sluice_moto::{ACCOUNT, Moto, REGION};

const NAME: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/backend";
/// A time that is over: what is scanned now may still get findings.
const GATE: &str = "image: {exists: true, platforms: [linux/amd64, linux/arm64], immutable: true}, findings: {critical: 0, high: 0, unknown: 0, max-age: 30d, settle: 1s}, cluster: {healthy: true, min-version: '1.33', add-ons: [coredns]}";

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

/// AWS with an image of two platforms, scanned and clean, and a cluster that is well.
struct World {
    moto: Moto,
    shop: Repository,
    /// The digest of the index.
    digest: String,
    /// The digests of its platforms.
    platforms: [String; 2],
    /// How many calls it took to make this.
    made_by: usize,
}

impl World {
    fn new() -> Self {
        let moto = Moto::start();
        let repository = json!({"repositoryName": "shop/backend", "imageTagMutability": "IMMUTABLE"});
        moto.ecr("CreateRepository", &repository);
        let platforms = [1, 2].map(|number| put(&moto, &format!("p{number}"), IMAGE, &image(number)));
        let digest = put(&moto, "v1", INDEX, &index(&platforms));
        let mut world = Self { moto, shop: Repository::new(), digest, platforms, made_by: 0 };
        for digest in &world.platforms {
            world.scan(digest, |_| ());
        }
        let cluster = json!({"name": "shop", "version": "1.34", "roleArn": "arn:aws:iam::123456789012:role/x", "resourcesVpcConfig": {}});
        world.moto.eks("POST", "/clusters", &cluster);
        let group = json!({"nodegroupName": "blue", "nodeRole": "arn:aws:iam::123456789012:role/n", "subnets": ["subnet-1"]});
        world.moto.eks("POST", "/clusters/shop/node-groups", &group);
        world.moto.answer_with("GET /clusters/shop/addons", "", &json!({"addons": ["coredns"]}));
        world.add_on(&json!({"addonName": "coredns", "status": "ACTIVE", "health": {"issues": []}}));
        world.made_by = world.moto.calls().len();
        world
    }

    /// What the gate called.
    fn calls(&self) -> Vec<String> {
        self.moto.calls().split_off(self.made_by)
    }

    /// Tells of a scan that found nothing, with a change.
    fn scan(&self, digest: &str, change: impl FnOnce(&mut Value)) {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let mut scan = json!({"registryId": ACCOUNT, "repositoryName": "shop/backend", "imageId": {"imageDigest": digest},
            "imageScanStatus": {"status": "COMPLETE", "description": "The scan was completed successfully."},
            "imageScanFindings": {"imageScanCompletedAt": now - 60, "findingSeverityCounts": {}, "findings": []}});
        change(&mut scan);
        self.moto.answer_with("DescribeImageScanFindings", digest, &scan);
    }

    fn add_on(&self, add_on: &Value) {
        self.moto.answer_with("GET /clusters/shop/addons/coredns", "", &json!({"addon": add_on}));
    }

    fn run(&self, gate: &str, image: &str) -> Run<'_> {
        let config = format!(
            "version: 1\nenvironments: {{production: {{cluster: {{eks: shop, region: {REGION}}}, gate: {{{gate}}}}}}}\n"
        );
        self.shop.write(".github/sluice.yml", &config);
        self.shop
            .run("gate-approval")
            .argument("--environment=production")
            .argument(&format!("--image={image}"))
            .variable("AWS_ENDPOINT_URL", &self.moto.endpoint())
            .variable("AWS_EC2_METADATA_DISABLED", "true")
            .variable("AWS_REGION", "us-east-1")
    }

    fn ask(&self, gate: &str, image: &str) -> Outcome {
        self.run(gate, image)
            .variable("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .variable("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
            .ends()
    }

    fn tagged(&self) -> String {
        format!("{NAME}:v1")
    }
}

fn put(moto: &Moto, tag: &str, kind: &str, manifest: &Value) -> String {
    let input = json!({"repositoryName": "shop/backend", "imageTag": tag, "imageManifest": manifest.to_string(), "imageManifestMediaType": kind});
    moto.ecr("PutImage", &input)["image"]["imageId"]["imageDigest"].as_str().unwrap().to_owned()
}

fn image(number: u8) -> Value {
    let config = format!("sha256:{}", number.to_string().repeat(64));
    json!({"schemaVersion": 2, "mediaType": IMAGE, "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2}, "layers": []})
}

fn index(platforms: &[String; 2]) -> Value {
    let entry = |digest: &String, architecture: &str| json!({"mediaType": IMAGE, "digest": digest, "size": 2, "platform": {"os": "linux", "architecture": architecture}});
    let attestation = json!({"mediaType": IMAGE, "digest": format!("sha256:{}", "9".repeat(64)), "size": 2,
        "platform": {"os": "unknown", "architecture": "unknown"}, "annotations": {"vnd.docker.reference.type": "attestation-manifest"}});
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry(&platforms[0], "amd64"), entry(&platforms[1], "arm64"), attestation]})
}

/// What each condition says, a line each.
fn told(outcome: &Outcome) -> String {
    outcome
        .stdout
        .lines()
        .filter(|line| line.starts_with("  ") || line.starts_with('✗'))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn what_is_well_is_approved_by_its_tag_and_the_digest_is_put_out() {
    let world = World::new();
    let outcome = world
        .run(GATE, &world.tagged())
        .variable("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .variable("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
        .in_actions()
        .ends();
    outcome.exits(0).has_output("state", "approved").has_output("digest", &world.digest);
    assert!(!outcome.stdout.contains("hunter2hunter2"));
    // The tag is looked up first, with the condition, and last.
    let calls = world.calls();
    assert_eq!(calls.first().map(String::as_str), Some("DescribeImages"));
    assert_eq!(calls.last().map(String::as_str), Some("DescribeImages"));
    let by_digest = world.ask(GATE, &format!("{NAME}@{}", world.digest));
    by_digest.exits(0);
}

#[test]
fn a_gate_that_stays_at_home_does_not_ask_aws() {
    let world = World::new();
    let outcome = world
        .run("freeze: [{from: 2020-12-20, until: 2021-01-04, zone: Europe/Berlin}]", &world.tagged())
        .ends();
    outcome.exits(0);
    assert!(world.calls().is_empty(), "{:?}", world.calls());
}

#[test]
fn the_token_of_the_job_is_changed_for_credentials() {
    let world = World::new();
    world.shop.write("token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyZXBvIn0.");
    let token = world.shop.path().join("token");
    let outcome = world
        .run(GATE, &world.tagged())
        .variable("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/ci")
        .variable("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap())
        .ends();
    outcome.exits(0);
    assert_eq!(world.calls().first().map(String::as_str), Some("POST /"));
}

#[test]
fn without_credentials_nothing_is_known() {
    let world = World::new();
    let outcome = world.run(GATE, &world.tagged()).ends();
    outcome.exits(3).says("no AWS credentials").says("aws-actions/configure-aws-credentials");
}

/// Each of these was tried to get something else through than what was judged.
#[test]
fn no_spoof_gets_through() {
    let world = World::new();
    let other = put(&world.moto, "v2", INDEX, &{
        let mut other = index(&world.platforms);
        other["annotations"] = json!({"other": "index"});
        other
    });
    let critical =
        |status: &str| json!([{"name": "CVE-1", "severity": "CRITICAL", "attributes": [], "status": status}]);
    let ignored = GATE.replace(
        "settle: 1s",
        "settle: 1s, ignore: [{id: CVE-1, reason: none left, owner: me, until: 2020-01-01}]",
    );
    let approved = || world.ask(GATE, &world.tagged()).code;
    let mut told_all = Vec::new();
    let mut spoof = |name: &str, gate: &str, image: String| {
        let outcome = world.ask(gate, &image);
        assert_ne!(outcome.code, Some(0), "{name}: {outcome:#?}");
        told_all.push(format!("{name}: {}", outcome.code.unwrap()));
    };
    assert_eq!(approved(), Some(0));

    // The tag moved: after the approval, before the run, while it runs.
    spoof("the tag points elsewhere than the digest that was approved", GATE, format!("{NAME}:v1@{other}"));
    let moved = json!({"imageDetails": [{"imageDigest": other}]});
    for holding in [r#""imageTag":"v1""#] {
        world.moto.answer(&json!({"to": "DescribeImages", "holding": holding, "status": 200, "body": moved.to_string(), "times": 1}));
        spoof("the tag moves while the gate looks", GATE, world.tagged());
    }
    spoof("the digest of one platform", GATE, format!("{NAME}@{}", world.platforms[1]));
    spoof("a digest that is not there", GATE, format!("{NAME}@sha256:{}", "0".repeat(64)));
    spoof("a tag that is not there", GATE, format!("{NAME}:v9"));
    spoof("an image of another name", GATE, format!("{NAME}-evil:v1"));
    spoof(
        "a registry that looks like ECR",
        GATE,
        format!("{}:v1", NAME.replace("amazonaws.com", "amazonaws.com.localhost")),
    );

    // Findings that are hidden.
    let platform = &world.platforms[1];
    let mut scan = |name: &str, change: &dyn Fn(&mut Value)| {
        world.scan(platform, change);
        spoof(name, GATE, world.tagged());
        world.scan(platform, |_| ());
    };
    scan("a finding in the second platform only", &|scan| {
        scan["imageScanFindings"]["findings"] = critical("ACTIVE")
    });
    scan("a finding that is counted and not listed", &|scan| {
        scan["imageScanFindings"]["findingSeverityCounts"] = json!({"CRITICAL": 1})
    });
    scan("the scan of the other platform", &|scan| {
        scan["imageId"]["imageDigest"] = world.platforms[0].clone().into()
    });
    scan("a scan of nothing in particular", &|scan| scan["imageId"] = json!({}));
    scan("a scan that is old", &|scan| {
        scan["imageScanFindings"]["imageScanCompletedAt"] = 1_700_000_000.into()
    });
    scan("a scan of tomorrow", &|scan| {
        scan["imageScanFindings"]["imageScanCompletedAt"] = 4_000_000_000_u64.into()
    });
    scan("a scan without a time", &|scan| scan["imageScanFindings"]["imageScanCompletedAt"] = Value::Null);
    scan("a severity that was renamed", &|scan| {
        scan["imageScanFindings"]["findings"] = json!([{"name": "CVE-1", "severity": "SEVERE"}])
    });
    scan("a severity in small letters", &|scan| {
        scan["imageScanFindings"]["findings"] = json!([{"name": "CVE-1", "severity": "critical"}])
    });
    scan("a finding without a severity", &|scan| {
        scan["imageScanFindings"]["findings"] = json!([{"name": "CVE-1"}])
    });
    scan("a finding without a name", &|scan| {
        scan["imageScanFindings"]["findings"] = json!([{"severity": "LOW"}])
    });
    scan("an untriaged finding", &|scan| {
        scan["imageScanFindings"]["enhancedFindings"] =
            json!([{"title": "x", "severity": "UNTRIAGED", "score": 0.0}])
    });
    scan("a scan that is over and tells nothing", &|scan| scan["imageScanFindings"] = Value::Null);
    for status in [
        "IN_PROGRESS",
        "PENDING",
        "FAILED",
        "UNSUPPORTED_IMAGE",
        "SCAN_ELIGIBILITY_EXPIRED",
        "FINDINGS_UNAVAILABLE",
        "LIMIT_EXCEEDED",
        "IMAGE_ARCHIVED",
        "BRAND_NEW",
    ] {
        scan(&format!("a scan that is {status}"), &|scan| scan["imageScanStatus"]["status"] = status.into());
    }
    world.scan(platform, |scan| scan["imageScanFindings"]["findings"] = critical("ACTIVE"));
    spoof("an ignore that is over", &ignored, world.tagged());
    world.scan(platform, |_| ());
    let not_scanned = json!({"to": "DescribeImageScanFindings", "holding": platform, "status": 400, "times": 1,
        "body": r#"{"__type":"ScanNotFoundException","message":"no"}"#});
    world.moto.answer(&not_scanned);
    spoof("a platform that was not scanned", GATE, world.tagged());
    let settling = GATE.replace("settle: 1s", "settle: 1h");
    spoof("a scan whose findings may still come in", &settling, world.tagged());

    // A cluster that is not well.
    let mut cluster = |name: &str, group: Option<&str>, attributes: Value, well: Value| {
        world.moto.set("shop", group, &attributes);
        spoof(name, GATE, world.tagged());
        world.moto.set("shop", group, &well);
    };
    for status in ["UPDATING", "FAILED", "DELETING", "BRAND_NEW"] {
        cluster(
            &format!("a cluster that is {status}"),
            None,
            json!({"status": status}),
            json!({"status": "ACTIVE"}),
        );
        cluster(
            &format!("a node group that is {status}"),
            Some("blue"),
            json!({"status": status}),
            json!({"status": "ACTIVE"}),
        );
    }
    cluster("an old Kubernetes", None, json!({"version": "1.4"}), json!({"version": "1.34"}));
    let issue = json!({"issues": [{"code": "AccessDenied", "message": "x", "resourceIds": []}]});
    cluster(
        "a node group with an issue",
        Some("blue"),
        json!({"health": issue}),
        json!({"health": {"issues": []}}),
    );
    world.add_on(&json!({"addonName": "coredns", "status": "DEGRADED"}));
    spoof("an add-on that is degraded", GATE, world.tagged());
    world.add_on(&json!({"addonName": "vpc-cni", "status": "ACTIVE"}));
    spoof("the answer for another add-on", GATE, world.tagged());
    world.add_on(&json!({"addonName": "coredns", "status": "ACTIVE"}));
    let other_region = "cluster: {healthy: true}";
    world.moto.answer_with(
        "GET /clusters/shop",
        "",
        &json!({"cluster": {"name": "other", "status": "ACTIVE", "version": "1.34"}}),
    );
    spoof("the answer for another cluster", other_region, world.tagged());

    assert!(told_all.len() >= 40, "{}", told_all.len());
    println!("{}", told_all.join("\n"));
}

/// What goes wrong with AWS, or with what stands between.
fn faults() -> Vec<(&'static str, Value)> {
    vec![
        ("a time-out", json!({"status": 200, "body": "{}", "delay": 100})),
        ("500", json!({"status": 500, "body": r#"{"__type":"ServerException","message":"internal"}"#})),
        ("502 of a load balancer", json!({"status": 502, "body": "<html>"})),
        (
            "403",
            json!({"status": 403, "body": r#"{"__type":"AccessDeniedException","message":"User: x is not authorized to perform: x:Y"}"#}),
        ),
        ("403 of a proxy", json!({"status": 403, "body": "<html>"})),
        ("404 of a proxy", json!({"status": 404, "body": "<html>"})),
        ("cut JSON", json!({"status": 200, "body": r#"{"imageDetails":[{"imageDi"#})),
        (
            "wrong types",
            json!({"status": 200, "body": r#"{"imageDetails":5,"images":{},"imageScanFindings":[],"cluster":"x","nodegroups":1,"nodegroup":[],"addons":"x","addon":0,"repositories":true}"#}),
        ),
        (
            "an empty page",
            json!({"status": 200, "body": r#"{"imageDetails":[],"images":[],"failures":[],"imageScanFindings":{},"nodegroups":[],"addons":[],"repositories":[]}"#}),
        ),
        ("nothing", json!({"status": 200, "body": "{}"})),
        (
            "throttling",
            json!({"status": 400, "body": r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#}),
        ),
        (
            "a clock that is off",
            json!({"status": 403, "body": r#"{"__type":"InvalidSignatureException","message":"Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z"}"#}),
        ),
        (
            "an expired token",
            json!({"status": 400, "body": r#"{"__type":"ExpiredTokenException","message":"expired"}"#}),
        ),
    ]
}

#[test]
fn no_fault_approves() {
    let calls = [
        ("DescribeImages", GATE),
        ("BatchGetImage", GATE),
        ("DescribeRepositories", GATE),
        ("DescribeImageScanFindings", GATE),
        ("GET /clusters/shop", "cluster: {healthy: true}"),
        ("GET /clusters/shop/node-groups", "cluster: {healthy: true}"),
        ("GET /clusters/shop/node-groups/blue", "cluster: {healthy: true}"),
        ("GET /clusters/shop/addons", "cluster: {healthy: true, add-ons: [coredns]}"),
        ("GET /clusters/shop/addons/coredns", "cluster: {healthy: true}"),
    ];
    // Each call meets every fault, in worlds of their own, side by side: most of the time is waited.
    std::thread::scope(|scope| {
        for calls in calls.chunks(3) {
            scope.spawn(move || {
                let world = World::new();
                for (call, gate) in calls {
                    for (name, mut fault) in faults() {
                        fault["to"] = (*call).into();
                        fault["times"] = 4.into();
                        world.moto.forget();
                        world.moto.answer(&fault);
                        let run = world.run(gate, &world.tagged());
                        let run = run.argument(if fault["delay"].is_null() {
                            "--deadline=60s"
                        } else {
                            "--deadline=2s"
                        });
                        let outcome = run
                            .variable("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
                            .variable("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
                            .ends();
                        assert!(matches!(outcome.code, Some(1 | 3)), "{call}, {name}: {outcome:#?}");
                        let sure = *call == "GET /clusters/shop/addons" && name == "an empty page";
                        assert_eq!(outcome.code == Some(1), sure, "{call}, {name}: {outcome:#?}");
                        assert!(!outcome.stderr.contains("hunter2") && !outcome.stdout.contains("hunter2"));
                    }
                }
            });
        }
    });
}

#[test]
fn a_missing_permission_is_named() {
    let world = World::new();
    world.moto.answer(&json!({"to": "DescribeImageScanFindings", "status": 400, "body": r#"{"__type":"AccessDeniedException","message":"User: arn:aws:sts::1:assumed-role/ci/x is not authorized to perform: ecr:DescribeImageScanFindings on resource: y"}"#}));
    let outcome = world.ask(GATE, &world.tagged());
    outcome.exits(3).says("allow the action ecr:DescribeImageScanFindings to the role that this job assumes");
    assert!(!told(&outcome).is_empty());
}
