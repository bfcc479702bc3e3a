//! The calls, over HTTP.

mod credentials;

use std::time::Duration;

use serde_json::{Value, json};
use sluice_http::{Client, Options, Proxies};
use sluice_moto::{ACCOUNT, Moto, REGION};

use crate::{Access, Aws, Error, Issue, Part, Repository, Which};

const NOW: &str = "2026-01-02T03:04:05Z";
const MANIFEST: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#;
const DIGEST: &str = "sha256:f20c43161d73848408ef247f0ec7111b19fe58ffebc0cbcaa0d2c8bda4967268";

fn aws(moto: &Moto) -> Aws {
    connected(moto, &[("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret")]).unwrap()
}

/// AWS, as it is with these variables.
fn connected(moto: &Moto, variables: &[(&str, &str)]) -> Result<Aws, Error> {
    let client = Client::new(&Options::default(), &Proxies::none(), Duration::from_secs(5)).unwrap();
    let variable = |name: &str| {
        let set = variables.iter().find(|(variable, _)| *variable == name);
        let set = set.map(|(_, value)| (*value).to_owned());
        set.or_else(|| (name == "AWS_ENDPOINT_URL").then(|| moto.endpoint()))
    };
    let now = NOW.parse().unwrap();
    run(Aws::connect(Access { client, region: Some(REGION.to_owned()), variable: &variable, now }))
}

fn repository() -> Repository {
    Repository { account: ACCOUNT.to_owned(), region: REGION.to_owned(), name: "shop/backend".to_owned() }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn with_image() -> Moto {
    let moto = Moto::start();
    moto.ecr(
        "CreateRepository",
        &json!({"repositoryName": "shop/backend", "imageTagMutability": "IMMUTABLE"}),
    );
    let image = json!({"repositoryName": "shop/backend", "imageTag": "v1", "imageManifest": MANIFEST,
        "imageManifestMediaType": "application/vnd.oci.image.manifest.v1+json"});
    moto.ecr("PutImage", &image);
    moto
}

fn code(error: Error) -> String {
    match error {
        Error::NotFound(refusal) => format!("not found: {}", refusal.code.unwrap()),
        Error::Denied { action, .. } => format!("denied: {action}"),
        Error::NoCredentials { why, .. } => format!("no credentials: {why}"),
        Error::Misconfigured(invalid) => format!("misconfigured: {invalid}"),
        Error::CouldNotTell { why, help } => format!("could not tell: {why} ({help})"),
    }
}

#[test]
fn an_image_is_found_by_tag_and_by_digest() {
    let moto = with_image();
    let ecr = aws(&moto).ecr(REGION);
    run(async {
        let by_tag = ecr.image(&repository(), Which::Tag("v1")).await.unwrap();
        assert_eq!(by_tag.digest, DIGEST);
        assert!(by_tag.pushed_at.is_some());
        assert_eq!(ecr.image(&repository(), Which::Digest(DIGEST)).await.unwrap(), by_tag);
        assert_eq!(ecr.manifest(&repository(), DIGEST).await.unwrap(), MANIFEST.as_bytes());
        assert_eq!(ecr.mutability(&repository()).await.unwrap().rule, "IMMUTABLE");
    });
}

#[test]
fn what_is_not_there_is_told_as_such() {
    let moto = with_image();
    let (ecr, eks) = (aws(&moto).ecr(REGION), aws(&moto).eks(REGION));
    let other = Repository { name: "shop/other".to_owned(), ..repository() };
    let nothing = format!("sha256:{}", "0".repeat(64));
    let told = run(async {
        [
            ecr.image(&repository(), Which::Tag("v2")).await.err(),
            ecr.image(&other, Which::Tag("v1")).await.err(),
            ecr.manifest(&repository(), &nothing).await.err(),
            ecr.scan(&repository(), DIGEST).await.err(),
            eks.cluster("none").await.err(),
        ]
    });
    insta::assert_snapshot!(told.map(|error| code(error.unwrap())).join("\n"), @"
    not found: ImageNotFoundException
    not found: RepositoryNotFoundException
    not found: ImageNotFound
    not found: ScanNotFoundException
    not found: ResourceNotFoundException
    ");
}

/// What AWS, and what stands between, says when it is not well: never "not found", never an answer.
#[test]
fn faults_are_no_answers() {
    let faults = [
        (
            "denied",
            json!({"status": 400, "body": r#"{"__type":"AccessDeniedException","message":"User: arn:aws:sts::1:assumed-role/ci/x is not authorized to perform: ecr:DescribeImages on resource: y"}"#}),
        ),
        ("denied, no action", json!({"status": 403, "body": r#"{"__type":"AccessDeniedException"}"#})),
        (
            "throttled",
            json!({"status": 400, "body": r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#}),
        ),
        (
            "server error",
            json!({"status": 500, "body": r#"{"__type":"ServerException","message":"internal"}"#}),
        ),
        ("a proxy's 404", json!({"status": 404, "body": "<html>not here</html>"})),
        ("a proxy's 403", json!({"status": 403, "body": "<html>no</html>"})),
        ("cut JSON", json!({"status": 200, "body": r#"{"imageDetails": [{"imageDi"#})),
        ("wrong types", json!({"status": 200, "body": r#"{"imageDetails": "none"}"#})),
        ("an empty page", json!({"status": 200, "body": r#"{"imageDetails": []}"#})),
        ("nothing", json!({"status": 200, "body": "{}"})),
        ("no digest", json!({"status": 200, "body": r#"{"imageDetails": [{"imageTags": ["v1"]}]}"#})),
        (
            "two images",
            json!({"status": 200, "body": r#"{"imageDetails": [{"imageDigest": "sha256:a"}, {"imageDigest": "sha256:b"}]}"#}),
        ),
        (
            "a clock that is off",
            json!({"status": 403, "body": r#"{"__type":"InvalidSignatureException","message":"Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z"}"#}),
        ),
        (
            "a clock that is far off",
            json!({"status": 403, "body": r#"{"__type":"RequestTimeTooSkewed","message":"The difference is too large."}"#}),
        ),
        (
            "a signature of another key",
            json!({"status": 403, "body": r#"{"__type":"SignatureDoesNotMatch","message":"It does not match."}"#}),
        ),
        (
            "an expired token",
            json!({"status": 400, "body": r#"{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}"#}),
        ),
    ];
    let moto = with_image();
    let ecr = aws(&moto).ecr(REGION);
    let told: Vec<String> = faults
        .into_iter()
        .map(|(name, mut fault)| {
            fault["to"] = "DescribeImages".into();
            moto.answer(&fault);
            let error = run(ecr.image(&repository(), Which::Tag("v1"))).unwrap_err();
            format!("{name} -> {}", code(error))
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    denied -> denied: ecr:DescribeImages
    denied, no action -> denied: ecr:DescribeImages
    throttled -> could not tell: ecr:DescribeImages: ThrottlingException: Rate exceeded (run again later)
    server error -> could not tell: ecr:DescribeImages: ServerException: internal (run again later)
    a proxy's 404 -> could not tell: ecr:DescribeImages: 404 Not Found, not in AWS's words (see what answers there: the endpoint, a proxy, a firewall)
    a proxy's 403 -> could not tell: ecr:DescribeImages: 403 Forbidden, not in AWS's words (see what answers there: the endpoint, a proxy, a firewall)
    cut JSON -> could not tell: ecr:DescribeImages: 200 OK, not in AWS's words (see what answers there: the endpoint, a proxy, a firewall)
    wrong types -> could not tell: ecr:DescribeImages: 200 OK, not in AWS's words (see what answers there: the endpoint, a proxy, a firewall)
    an empty page -> could not tell: ecr:DescribeImages answered without the one image that was asked for (run again later)
    nothing -> could not tell: ecr:DescribeImages answered without the one image that was asked for (run again later)
    no digest -> could not tell: ecr:DescribeImages answered without the image's digest (run again later)
    two images -> could not tell: ecr:DescribeImages answered without the one image that was asked for (run again later)
    a clock that is off -> could not tell: ecr:DescribeImages: InvalidSignatureException: Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z (set the clock of this machine: it must be within five minutes of AWS's)
    a clock that is far off -> could not tell: ecr:DescribeImages: RequestTimeTooSkewed: The difference is too large. (set the clock of this machine: it must be within five minutes of AWS's)
    a signature of another key -> could not tell: ecr:DescribeImages: SignatureDoesNotMatch: It does not match. (let a step of aws-actions/configure-aws-credentials run shortly before this one)
    an expired token -> could not tell: ecr:DescribeImages: ExpiredTokenException: The security token included in the request is expired (let a step of aws-actions/configure-aws-credentials run shortly before this one)
    ");
}

#[test]
fn what_may_pass_is_tried_again_and_nothing_else() {
    let moto = with_image();
    let ecr = aws(&moto).ecr(REGION);
    let tries = |status: u16, code: &str| {
        let before = moto.calls().len();
        let body = json!({"__type": code, "message": "no"}).to_string();
        moto.answer(&json!({"to": "DescribeImages", "status": status, "body": body, "times": 2}));
        let answer = run(ecr.image(&repository(), Which::Tag("v1")));
        moto.forget();
        (moto.calls().len() - before, answer.is_ok())
    };
    assert_eq!(tries(400, "ThrottlingException"), (3, true));
    assert_eq!(tries(503, "ServiceUnavailable"), (3, true));
    assert_eq!(tries(400, "AccessDeniedException"), (1, false));
    assert_eq!(tries(400, "InvalidParameterException"), (1, false));
}

#[test]
fn a_region_or_an_endpoint_that_is_none_is_told() {
    let moto = Moto::start();
    let error = run(aws(&moto).eks("eu-west-1.evil.example/").cluster("shop")).unwrap_err();
    assert_eq!(code(error), "misconfigured: \"eu-west-1.evil.example/\" is no AWS region");
    let error = connected(&moto, &[("AWS_ENDPOINT_URL_ECR", "here")]).unwrap_err();
    assert!(code(error).starts_with("misconfigured: cannot use the endpoint in AWS_ENDPOINT_URL_ECR: "));
    assert!(moto.calls().is_empty());
}

#[test]
fn a_server_that_is_not_there_is_no_answer() {
    let moto = with_image();
    let ecr = aws(&moto).ecr(REGION);
    drop(moto);
    let error = code(run(ecr.image(&repository(), Which::Tag("v1"))).unwrap_err());
    assert!(
        error.starts_with("could not tell: ecr:DescribeImages: ") && error.contains("connection refused"),
        "{error}"
    );
}

fn page(findings: &Value, next: Option<&str>) -> Value {
    json!({"imageId": {"imageDigest": DIGEST}, "imageScanStatus": {"status": "COMPLETE", "description": "done"},
        "imageScanFindings": findings, "nextToken": next})
}

#[test]
fn the_findings_of_all_pages_are_read() {
    let moto = with_image();
    let ecr = aws(&moto).ecr(REGION);
    let basic = json!({"imageScanCompletedAt": 1_795_000_000, "findingSeverityCounts": {"CRITICAL": 1, "HIGH": 1},
        "findings": [{"name": "CVE-1", "severity": "CRITICAL", "attributes": [
            {"key": "package_name", "value": "openssl"}, {"key": "package_version", "value": "3.0"}]}]});
    let enhanced = json!({"imageScanCompletedAt": 1_795_000_000, "findingSeverityCounts": {"CRITICAL": 1, "HIGH": 1},
        "enhancedFindings": [{"severity": "HIGH", "status": "SUPPRESSED", "score": 7.5, "title": "CVE-2 - zlib",
            "packageVulnerabilityDetails": {"vulnerabilityId": "CVE-2", "vulnerablePackages": [{"name": "zlib", "version": "1.2"}]}}]});
    moto.answer_with("DescribeImageScanFindings", "", &page(&basic, Some("two")));
    moto.answer_with("DescribeImageScanFindings", r#""nextToken":"two""#, &page(&enhanced, None));
    let scan = run(ecr.scan(&repository(), DIGEST)).unwrap();
    assert_eq!((scan.digest.as_deref(), scan.status.as_deref()), (Some(DIGEST), Some("COMPLETE")));
    let found = scan.found.unwrap();
    assert_eq!(found.counts.into_iter().collect::<Vec<_>>(), [("CRITICAL".into(), 1), ("HIGH".into(), 1)]);
    let told: Vec<_> = found.vulnerabilities.iter().map(|found| format!("{found:?}")).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    Vulnerability { id: "CVE-1", severity: "CRITICAL", status: None, packages: ["openssl 3.0"] }
    Vulnerability { id: "CVE-2", severity: "HIGH", status: Some("SUPPRESSED"), packages: ["zlib 1.2"] }
    "#);
}

#[test]
fn pages_that_go_in_a_circle_or_do_not_belong_together_are_no_answer() {
    let moto = with_image();
    let ecr = aws(&moto).ecr(REGION);
    moto.answer_with("DescribeImageScanFindings", "", &page(&json!({}), Some("again")));
    let circle = run(ecr.scan(&repository(), DIGEST)).unwrap_err();
    let mut other = page(&json!({}), None);
    other["imageId"]["imageDigest"] = "sha256:other".into();
    moto.answer_with("DescribeImageScanFindings", r#""nextToken":"again""#, &other);
    for error in [circle, run(ecr.scan(&repository(), DIGEST)).unwrap_err()] {
        assert!(code(error).contains("the answer changed while it was read"));
    }
}

#[test]
fn a_scan_that_tells_nothing_is_not_one_that_found_nothing() {
    let moto = with_image();
    let ecr = aws(&moto).ecr(REGION);
    moto.answer_with("DescribeImageScanFindings", "", &json!({"imageScanStatus": {"status": "BRAND_NEW"}}));
    let scan = run(ecr.scan(&repository(), DIGEST)).unwrap();
    assert_eq!((scan.status.as_deref(), scan.found), (Some("BRAND_NEW"), None));
}

#[test]
fn a_cluster_is_told_with_its_parts_and_issues() {
    let moto = Moto::start();
    moto.eks("POST", "/clusters", &json!({"name": "shop", "version": "1.34", "roleArn": "arn:aws:iam::123456789012:role/x", "resourcesVpcConfig": {}}));
    for name in ["blue", "green"] {
        moto.eks("POST", "/clusters/shop/node-groups", &json!({"nodegroupName": name, "nodeRole": "arn:aws:iam::123456789012:role/n", "subnets": ["subnet-1"]}));
    }
    let issue = json!({"code": "AccessDenied", "message": "the role is gone", "resourceIds": []});
    moto.set("shop", Some("green"), &json!({"status": "DEGRADED", "health": {"issues": [issue]}}));
    moto.answer_with("GET /clusters/shop/addons", "", &json!({"addons": ["coredns"]}));
    let add_on = json!({"addonName": "coredns", "status": "UPDATE_FAILED", "health": {"issues": [
        {"code": "ConfigurationConflict", "message": "conflict", "resourceIds": []}]}});
    moto.answer_with("GET /clusters/shop/addons/coredns", "", &json!({"addon": add_on}));

    let eks = aws(&moto).eks(REGION);
    run(async {
        let cluster = eks.cluster("shop").await.unwrap();
        assert_eq!((cluster.status.as_str(), cluster.version.as_str()), ("ACTIVE", "1.34"));
        assert!(cluster.endpoint.is_some() && cluster.certificate_authority.is_some() && !cluster.is_auto);
        let issue = |code: &str, message: &str| vec![Issue { code: code.into(), message: message.into() }];
        let part =
            |name: &str, status: &str, issues| Part { name: name.into(), status: status.into(), issues };
        assert_eq!(
            eks.node_groups("shop").await.unwrap(),
            [
                part("blue", "ACTIVE", vec![]),
                part("green", "DEGRADED", issue("AccessDenied", "the role is gone"))
            ]
        );
        assert_eq!(
            eks.add_ons("shop").await.unwrap(),
            [part("coredns", "UPDATE_FAILED", issue("ConfigurationConflict", "conflict"))]
        );
        moto.answer_with("GET /clusters/shop/addons", "", &json!({}));
        assert!(eks.add_ons("shop").await.is_err(), "no list is not an empty list");
    });
}

#[test]
fn the_names_of_all_pages_are_read() {
    let moto = Moto::start();
    let part = |name: &str| json!({"nodegroup": {"nodegroupName": name, "status": "ACTIVE"}});
    moto.answer_with("GET /clusters/shop/node-groups/blue", "", &part("blue"));
    moto.answer_with("GET /clusters/shop/node-groups/green", "", &part("green"));
    let list = |names: &[&str], next: Option<&str>, times: usize| {
        let body = json!({"nodegroups": names, "nextToken": next}).to_string();
        moto.answer(
            &json!({"to": "GET /clusters/shop/node-groups", "status": 200, "body": body, "times": times}),
        );
    };
    let eks = aws(&moto).eks(REGION);
    list(&["green"], None, 1);
    list(&["blue"], Some("two"), 1);
    let parts = run(eks.node_groups("shop")).unwrap();
    assert_eq!(parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), ["blue", "green"]);
    list(&["blue"], Some("again"), 2);
    let error = code(run(eks.node_groups("shop")).unwrap_err());
    assert!(error.contains("without an end of the list"), "{error}");
}
