//! Credentials, from each place that gives them out.

use std::path::Path;

use super::*;

const ROLE: &str = "arn:aws:iam::123456789012:role/ci";

/// Answers as STS does, with credentials that end then.
fn answer_of_sts(moto: &Moto, action: &str, ends: &str, times: usize) {
    let body = format!(
        "<{action}Response><{action}Result><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>\
         of-sts</SecretAccessKey><SessionToken>session-of-sts</SessionToken><Expiration>{ends}</Expiration>\
         </Credentials></{action}Result></{action}Response>"
    );
    let holding = format!("Action={action}&");
    moto.answer(&json!({"to": "POST /", "holding": holding, "status": 200, "body": body, "times": times}));
}

/// Answers as the agents of containers and machines do.
fn answer_of_agent(moto: &Moto, to: &str, bearing: &Value) {
    let body = json!({"Code": "Success", "AccessKeyId": "ASIA", "SecretAccessKey": "of-agent",
        "Token": "session-of-agent", "Expiration": "2026-01-02T09:00:00Z"});
    moto.answer(&json!({"to": to, "bearing": bearing, "status": 200, "body": body.to_string()}));
}

/// An EKS that knows only calls with this in their signature.
fn cluster_for(moto: &Moto, bearing: &Value) {
    let body = json!({"cluster": {"name": "shop", "status": "ACTIVE", "version": "1.34"}}).to_string();
    moto.answer(&json!({"to": "GET /clusters/shop", "bearing": bearing, "status": 200, "body": body}));
}

fn with_token(folder: &Path) -> [(&'static str, String); 2] {
    let file = folder.join("token");
    std::fs::write(&file, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyZXBvIn0.\n").unwrap();
    [("AWS_ROLE_ARN", ROLE.to_owned()), ("AWS_WEB_IDENTITY_TOKEN_FILE", file.to_str().unwrap().to_owned())]
}

fn ask(moto: &Moto, variables: &[(&str, String)]) -> Result<(), String> {
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let aws = connected(moto, &variables).map_err(code)?;
    run(aws.eks(REGION).cluster("shop")).map(drop).map_err(code)
}

#[test]
fn calls_are_signed_with_what_sts_gave_for_the_token() {
    let (moto, folder) = (Moto::start(), tempfile::tempdir().unwrap());
    answer_of_sts(&moto, "AssumeRoleWithWebIdentity", "2026-01-02T04:00:00Z", 1);
    cluster_for(
        &moto,
        &json!({"Authorization": "Credential=ASIA/20260102/eu-west-1/eks/aws4_request",
        "X-Amz-Security-Token": "session-of-sts"}),
    );
    ask(&moto, &with_token(folder.path())).unwrap();
    assert_eq!(moto.calls(), ["POST /", "GET /clusters/shop"]);
}

#[test]
fn credentials_are_kept_until_they_end() {
    let (moto, folder) = (Moto::start(), tempfile::tempdir().unwrap());
    cluster_for(&moto, &json!({}));
    let calls_to_sts = |ends: &str| {
        answer_of_sts(&moto, "AssumeRoleWithWebIdentity", ends, 100);
        let before = moto.calls().len();
        let variables = with_token(folder.path());
        let variables: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let eks = connected(&moto, &variables).unwrap().eks(REGION);
        for _ in 0..3 {
            run(eks.cluster("shop")).unwrap();
        }
        moto.calls()[before..].iter().filter(|call| *call == "POST /").count()
    };
    assert_eq!(calls_to_sts("2026-01-02T04:04:05Z"), 1);
    // Half a minute is left.
    assert_eq!(calls_to_sts("2026-01-02T03:04:35Z"), 3);
}

#[test]
fn what_sts_says_instead_is_told() {
    let (moto, folder) = (Moto::start(), tempfile::tempdir().unwrap());
    let variables = with_token(folder.path());
    let faults = [
        (403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
        (
            400,
            "ExpiredTokenException",
            "Token expired: current date/time must be before the expiration date/time",
        ),
        (400, "IDPCommunicationError", "Error communicating with the identity provider"),
        (
            403,
            "SignatureDoesNotMatch",
            "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z",
        ),
    ];
    let mut told = Vec::new();
    for (status, error, message) in faults {
        let body = format!(
            "<ErrorResponse><Error><Code>{error}</Code><Message>{message}</Message></Error></ErrorResponse>"
        );
        moto.answer(&json!({"to": "POST /", "status": status, "body": body, "times": 3}));
        told.push(ask(&moto, &variables).unwrap_err());
        moto.forget();
    }
    for odd in ["<html>", "", "<Credentials><SecretAccessKey>hunter2</SecretAccessKey></Credentials>"] {
        moto.answer(&json!({"to": "POST /", "status": 200, "body": odd, "times": 1}));
        told.push(ask(&moto, &variables).unwrap_err());
    }
    insta::assert_snapshot!(told.join("\n"), @"
    no credentials: the role arn:aws:iam::123456789012:role/ci can't be taken on: AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity
    could not tell: sts:AssumeRoleWithWebIdentity: ExpiredTokenException: Token expired: current date/time must be before the expiration date/time (let a step of aws-actions/configure-aws-credentials run shortly before this one)
    could not tell: sts:AssumeRoleWithWebIdentity: IDPCommunicationError: Error communicating with the identity provider (run again later)
    could not tell: sts:AssumeRoleWithWebIdentity: SignatureDoesNotMatch: Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z (set the clock of this machine: it must be within five minutes of AWS's)
    could not tell: sts:AssumeRoleWithWebIdentity answered without credentials (run again later)
    could not tell: sts:AssumeRoleWithWebIdentity answered without credentials (run again later)
    could not tell: sts:AssumeRoleWithWebIdentity answered without credentials (run again later)
    ");
    std::fs::remove_file(folder.path().join("token")).unwrap();
    let error = ask(&moto, &variables).unwrap_err();
    assert!(error.starts_with("no credentials: the token in ") && error.contains("can't be read"), "{error}");
}

#[test]
fn a_profile_s_role_is_taken_on_by_another() {
    let (moto, folder) = (Moto::start(), tempfile::tempdir().unwrap());
    let config = folder.path().join("config");
    std::fs::write(
        &config,
        "[default]\nrole_arn = arn:aws:iam::123456789012:role/ci\nsource_profile = keys\nexternal_id = 42\n\
         [profile keys]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = of-profile\n",
    )
    .unwrap();
    answer_of_sts(&moto, "AssumeRole", "2026-01-02T04:00:00Z", 1);
    // Only a call of the profile's own keys is answered.
    let denied = "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>";
    moto.answer(&json!({"to": "POST /", "bearing": {"Authorization": "Credential=OTHER"}, "status": 403, "body": denied}));
    cluster_for(&moto, &json!({"X-Amz-Security-Token": "session-of-sts"}));
    ask(&moto, &[("AWS_CONFIG_FILE", config.to_str().unwrap().to_owned())]).unwrap();
    assert_eq!(moto.calls(), ["POST /", "GET /clusters/shop"]);
}

#[test]
fn a_pod_s_agent_is_shown_its_token_and_asked_past_a_proxy() {
    let (moto, folder) = (Moto::start(), tempfile::tempdir().unwrap());
    let token = folder.path().join("token");
    std::fs::write(&token, "of-the-pod\n").unwrap();
    answer_of_agent(&moto, "GET /v1/credentials", &json!({"Authorization": "of-the-pod"}));
    let uri = format!("{}/v1/credentials", moto.endpoint());
    let variable = |name: &str| match name {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI" => Some(uri.clone()),
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" => Some(token.to_str().unwrap().to_owned()),
        _ => None,
    };
    // A proxy that is not there: what goes through it fails.
    let proxies = Proxies::through("http://127.0.0.1:1", "HTTP_PROXY").unwrap();
    let client = Client::new(&Options::default(), &proxies, Duration::from_secs(5)).unwrap();
    let now = NOW.parse().unwrap();
    let keys = run(async {
        let access = Access { client, region: None, variable: &variable, now };
        Aws::connect(access).await.unwrap().credentials().await.unwrap()
    });
    assert_eq!(keys.session_token.unwrap().expose(), "session-of-agent");
    assert_eq!(moto.calls(), ["GET /v1/credentials"]);
}

#[test]
fn an_agent_that_gives_none_is_told_without_what_it_says() {
    let moto = Moto::start();
    let variables = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/v1/credentials", moto.endpoint()))];
    let answers = [
        (403, "hunter2".to_owned()),
        (200, "hunter2".to_owned()),
        (200, json!({"AccessKeyId": "AK", "SecretAccessKey": "hunter2"}).to_string()),
        (
            200,
            json!({"AccessKeyId": "AK", "SecretAccessKey": "hunter2", "Token": "t", "Expiration": "soon"})
                .to_string(),
        ),
    ];
    let mut told = Vec::new();
    for (status, body) in answers {
        moto.answer(&json!({"to": "GET /v1/credentials", "status": status, "body": body, "times": 1}));
        told.push(ask(&moto, &variables).unwrap_err());
    }
    let stranger = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://agent.example.com/x".to_owned())];
    told.push(ask(&moto, &stranger).unwrap_err());
    insta::assert_snapshot!(told.join("\n"), @"
    no credentials: the container's credential agent: it answered 403 Forbidden
    no credentials: the container's credential agent: its answer holds no credentials
    no credentials: the container's credential agent: its answer holds no credentials
    no credentials: the container's credential agent: its answer holds no time at which they end
    no credentials: the container's credential agent: http://agent.example.com is neither https nor the container's own: it could be anyone
    ");
}

#[test]
fn a_machine_tells_its_role_s_credentials_and_its_region() {
    let moto = Moto::start();
    let session = json!({"X-aws-ec2-metadata-token": "session"});
    moto.answer(
        &json!({"to": "PUT /latest/api/token", "bearing": {"X-aws-ec2-metadata-token-ttl-seconds": "60"},
        "status": 200, "body": "session"}),
    );
    let metadata = |path: &str, body: &str| {
        let to = format!("GET /latest/meta-data/{path}");
        moto.answer(&json!({"to": to, "bearing": session, "status": 200, "body": body}));
    };
    metadata("placement/region", "eu-north-1\n");
    metadata("iam/security-credentials/", "runner");
    answer_of_agent(&moto, "GET /latest/meta-data/iam/security-credentials/runner", &session);
    let variable =
        |name: &str| (name == "AWS_EC2_METADATA_SERVICE_ENDPOINT").then(|| format!("{}/", moto.endpoint()));
    let client = Client::new(&Options::default(), &Proxies::none(), Duration::from_secs(5)).unwrap();
    let now = NOW.parse().unwrap();
    run(async {
        let access = Access { client, region: None, variable: &variable, now };
        let aws = Aws::connect(access).await.unwrap();
        assert_eq!(aws.region(), Some("eu-north-1"));
        assert_eq!(aws.credentials().await.unwrap().secret_access_key.expose(), "of-agent");
    });
}

#[test]
fn a_machine_without_a_role_is_told() {
    let moto = Moto::start();
    let endpoint = || [("AWS_EC2_METADATA_SERVICE_ENDPOINT", moto.endpoint())];
    moto.answer(&json!({"to": "PUT /latest/api/token", "status": 200, "body": "session"}));
    moto.answer(&json!({"to": "GET /latest/meta-data/iam/security-credentials/", "status": 404, "body": ""}));
    let mut told = vec![ask(&moto, &endpoint()).unwrap_err()];
    moto.answer(&json!({"to": "PUT /latest/api/token", "status": 403, "body": "no"}));
    told.push(ask(&moto, &endpoint()).unwrap_err());
    told.push(ask(&moto, &[("AWS_EC2_METADATA_DISABLED", "true".to_owned())]).unwrap_err());
    insta::assert_snapshot!(told.join("\n"), @"
    no credentials: neither the environment nor a profile holds or names any, and the machine's metadata service does not either: it answered 404 Not Found
    no credentials: neither the environment nor a profile holds or names any, and the machine's metadata service does not either: it answered 403 Forbidden
    no credentials: neither the environment nor a profile holds or names any, and the machine's metadata service is not to be asked (AWS_EC2_METADATA_DISABLED)
    ");
}
