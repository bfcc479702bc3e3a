//! gate-approval over AWS: moto, over HTTP.

#![expect(clippy::unwrap_used, reason = "a part of tests")]

mod network;

use serde_json::{Value, json};
use sluice_end_to_end::{Outcome, Repository, Run};
use sluice_moto::{ACCOUNT, Moto, REGION};

const NAME: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/backend";
/// What was pushed this moment has settled at once: else the tests would have to wait.
const GATE: &str = "image: {exists: true, platforms: [linux/amd64, linux/arm64], immutable: true}, findings: {critical: 0, high: 0, unknown: 0, max-age: 30d, settle: 0s}, cluster: {healthy: true, min-version: '1.33', add-ons: [coredns]}";

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
}

impl World {
    #[track_caller]
    fn approves(&self) {
        self.ask(GATE, &tagged()).exits(0);
    }

    #[track_caller]
    fn refuses(&self, name: &str, image: &str, conditions: &[&str]) {
        self.refuses_by(GATE, name, image, conditions);
    }

    /// Asserts that the gate is closed, and by these conditions alone.
    #[track_caller]
    fn refuses_by(&self, gate: &str, name: &str, image: &str, conditions: &[&str]) {
        let outcome = self
            .run(gate, image)
            .argument("--format=json")
            .variable("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .variable("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
            .ends();
        assert!(matches!(outcome.code, Some(1..=3)), "{name}: {outcome:#?}");
        let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let told = answer["outputs"]["conditions"].as_array().unwrap();
        let closed: Vec<&str> = told
            .iter()
            .filter(|condition| condition["verdict"] != "passed")
            .map(|condition| condition["name"].as_str().unwrap())
            .collect();
        assert_eq!(closed, conditions, "{name}: {outcome:#?}");
    }
}

/// The image by its tag.
fn tagged() -> String {
    format!("{NAME}:v1")
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
        .run(GATE, &tagged())
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
    let outcome =
        world.run("freeze: [{from: 2020-12-20, until: 2021-01-04, zone: Europe/Berlin}]", &tagged()).ends();
    outcome.exits(0);
    assert!(world.calls().is_empty(), "{:?}", world.calls());
}

#[test]
fn the_token_of_the_job_is_changed_for_credentials() {
    let world = World::new();
    world.shop.write("token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyZXBvIn0.");
    let token = world.shop.path().join("token");
    let outcome = world
        .run(GATE, &tagged())
        .variable("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/ci")
        .variable("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap())
        .ends();
    outcome.exits(0);
    assert_eq!(world.calls().first().map(String::as_str), Some("POST /"));
}

#[test]
fn without_credentials_nothing_is_known() {
    let world = World::new();
    let outcome = world.run(GATE, &tagged()).ends();
    outcome.exits(3).says("no AWS credentials").says("aws-actions/configure-aws-credentials");
}

/// Each of these was tried to get another image through than the one that was judged.
#[test]
fn no_other_image_gets_through() {
    let world = World::new();
    let other = put(&world.moto, "v2", INDEX, &{
        let mut other = index(&world.platforms);
        other["annotations"] = json!({"other": "index"});
        other
    });
    world.refuses("the digest that was approved is not the tag's", &format!("{NAME}:v1@{other}"), &["image"]);
    // The tag moves: before the gate looks at the image, and while it does.
    let elsewhere = json!({"imageDetails": [{"imageDigest": other}]}).to_string();
    let moves = |times: usize| {
        world.moto.answer(&json!({"to": "DescribeImages", "holding": "imageTag", "status": 200, "body": elsewhere, "times": times}));
    };
    moves(1);
    world.refuses("the tag moves back", &tagged(), &["image"]);
    world.moto.answer(&json!({"to": "BatchGetImage", "status": 200, "body": json!({"images": [{"imageManifest": "{}"}]}).to_string(), "times": 2}));
    world.refuses("other bytes than the digest's", &tagged(), &["image", "findings"]);
    world.refuses("the digest of one platform", &format!("{NAME}@{}", world.platforms[1]), &["image"]);
    world.refuses(
        "a digest that is not there",
        &format!("{NAME}@sha256:{}", "0".repeat(64)),
        &["image", "findings"],
    );
    world.refuses("a tag that is not there", &format!("{NAME}:v9"), &["image", "findings"]);
    world.refuses("an image of another name", &format!("{NAME}-evil:v1"), &["image", "findings"]);
    let like_ecr = format!("{}:v1", NAME.replace("amazonaws.com", "amazonaws.com.localhost"));
    world.refuses("a registry that looks like ECR", &like_ecr, &["image", "findings"]);
    world.approves();
}

/// Each of these was tried to hide a finding.
#[test]
fn no_finding_is_hidden() {
    let world = World::new();
    let platform = &world.platforms[1];
    let refuses = |name: &str, scan: &Value| {
        world.scan(platform, |whole| merge(whole, scan));
        world.refuses(name, &tagged(), &["findings"]);
        world.scan(platform, |_| ());
    };
    let critical = json!([{"name": "CVE-1", "severity": "CRITICAL"}]);
    let finding = |finding: Value| json!({"imageScanFindings": {"findings": [finding]}});
    let cases = [
        ("a finding in the second platform only", json!({"imageScanFindings": {"findings": critical}})),
        (
            "a finding that is counted and not listed",
            json!({"imageScanFindings": {"findingSeverityCounts": {"CRITICAL": 1}}}),
        ),
        ("the scan of the other platform", json!({"imageId": {"imageDigest": world.platforms[0]}})),
        ("the scan of the index", json!({"imageId": {"imageDigest": world.digest}})),
        ("a scan of nothing in particular", json!({"imageId": null})),
        ("a scan that is old", json!({"imageScanFindings": {"imageScanCompletedAt": 1_700_000_000}})),
        ("a scan of tomorrow", json!({"imageScanFindings": {"imageScanCompletedAt": 4_000_000_000_u64}})),
        ("a scan without a time", json!({"imageScanFindings": {"imageScanCompletedAt": null}})),
        ("a severity that was renamed", finding(json!({"name": "CVE-1", "severity": "SEVERE"}))),
        ("a severity in small letters", finding(json!({"name": "CVE-1", "severity": "critical"}))),
        ("a finding without a severity", finding(json!({"name": "CVE-1"}))),
        ("a finding without a name", finding(json!({"severity": "LOW"}))),
        (
            "an untriaged finding",
            json!({"imageScanFindings": {"enhancedFindings": [{"title": "x", "severity": "UNTRIAGED", "score": 0.0}]}}),
        ),
        ("a scan that is over and tells nothing", json!({"imageScanFindings": null})),
    ];
    for (name, scan) in &cases {
        refuses(name, scan);
    }
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
        refuses(&format!("a scan that is {status}"), &json!({"imageScanStatus": {"status": status}}));
    }
    let not_scanned = json!({"to": "DescribeImageScanFindings", "holding": platform, "status": 400, "times": 1,
        "body": r#"{"__type":"ScanNotFoundException","message":"no"}"#});
    world.moto.answer(&not_scanned);
    world.refuses("a platform that was not scanned", &tagged(), &["findings"]);

    let settling = GATE.replace("settle: 0s", "settle: 1h");
    world.refuses_by(&settling, "a scan whose findings may still come in", &tagged(), &["findings"]);
    world.scan(platform, |whole| merge(whole, &json!({"imageScanFindings": {"findings": critical}})));
    let ignore = |until: &str| {
        let ignore = format!("ignore: [{{id: CVE-1, reason: none left, owner: me, until: {until}}}]");
        GATE.replace("settle: 0s", &format!("settle: 0s, {ignore}"))
    };
    world.refuses_by(&ignore("2020-01-01"), "an ignore that is over", &tagged(), &["findings"]);
    world.ask(&ignore("2999-01-01"), &tagged()).exits(0).says("ignored until 2999-01-01");
}

/// Each of these is a cluster that should not be deployed to.
#[test]
fn no_ailing_cluster_is_taken_for_a_well_one() {
    let world = World::new();
    let refuses = |name: &str, group: Option<&str>, attributes: &Value, well: &Value| {
        world.moto.set("shop", group, attributes);
        world.refuses(name, &tagged(), &["cluster"]);
        world.moto.set("shop", group, well);
    };
    let active = json!({"status": "ACTIVE"});
    for status in ["UPDATING", "FAILED", "DELETING", "BRAND_NEW"] {
        refuses(&format!("a cluster that is {status}"), None, &json!({"status": status}), &active);
        refuses(&format!("a node group that is {status}"), Some("blue"), &json!({"status": status}), &active);
    }
    refuses("an old Kubernetes", None, &json!({"version": "1.4"}), &json!({"version": "1.34"}));
    let issue = json!({"issues": [{"code": "AccessDenied", "message": "x", "resourceIds": []}]});
    refuses(
        "a node group with an issue",
        Some("blue"),
        &json!({"health": issue}),
        &json!({"health": {"issues": []}}),
    );
    world.add_on(&json!({"addonName": "coredns", "status": "DEGRADED"}));
    world.refuses("an add-on that is degraded", &tagged(), &["cluster"]);
    world.add_on(&json!({"addonName": "vpc-cni", "status": "ACTIVE"}));
    world.refuses("the answer for another add-on", &tagged(), &["cluster"]);
    world.add_on(&json!({"addonName": "coredns", "status": "ACTIVE"}));
    world.approves();
    let other = json!({"cluster": {"name": "other", "status": "ACTIVE", "version": "1.34"}});
    world.moto.answer_with("GET /clusters/shop", "", &other);
    world.refuses("the answer for another cluster", &tagged(), &["cluster"]);
}

/// Puts the fields of one object over those of another.
fn merge(whole: &mut Value, part: &Value) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (name, value) in part {
                merge(whole.entry(name).or_insert(Value::Null), value);
            }
        }
        (whole, part) => whole.clone_from(part),
    }
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
                        fault["times"] = 100.into();
                        world.moto.forget();
                        world.moto.answer(&fault);
                        let run = world.run(gate, &tagged());
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
    let outcome = world.ask(GATE, &tagged());
    outcome.exits(3).says("allow the action ecr:DescribeImageScanFindings to the role that this job assumes");
    assert!(!told(&outcome).is_empty());
}

/// Who gets no credentials has no answer, and is told why.
#[test]
fn no_fault_of_sts_approves() {
    let world = World::new();
    world.shop.write("token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyZXBvIn0.");
    let token = world.shop.path().join("token");
    for (name, mut fault) in faults() {
        fault["to"] = "POST /".into();
        fault["times"] = 100.into();
        world.moto.forget();
        world.moto.answer(&fault);
        let deadline = if fault["delay"].is_null() { "--deadline=60s" } else { "--deadline=2s" };
        let outcome = world
            .run("image: {exists: true}", &tagged())
            .argument(deadline)
            .variable("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/ci")
            .variable("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap())
            .ends();
        outcome.exits(3);
        assert!(!outcome.stdout.contains("eyJ") && !outcome.stderr.contains("eyJ"), "{name}: {outcome:#?}");
    }
    assert!(world.calls().iter().all(|call| call == "POST /"), "{:?}", world.calls());
}
