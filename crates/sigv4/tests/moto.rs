//! Signed calls, over HTTP.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use sluice_core::retry::Policy;
use sluice_http::{Client, Options, Proxies, Response};
use sluice_moto::{Moto, REGION};
use sluice_sigv4::{
    Access, Call, Encryption, Lock, ObjectList, PutObject, Reason, Refusal, Service, accept, is_transient,
};

fn access(moto: &Moto) -> Access {
    let endpoint = moto.endpoint();
    let lookup = |name: &str| {
        let value = match name {
            "AWS_ACCESS_KEY_ID" => "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY" => "secret",
            "AWS_SESSION_TOKEN" => "session",
            "AWS_REGION" => REGION,
            "AWS_ENDPOINT_URL" => &endpoint,
            _ => return None,
        };
        Some(value.to_owned())
    };
    Access::from_lookup(lookup, None).unwrap()
}

fn send(moto: &Moto, call: &Call) -> Result<Response, Refusal> {
    let now = "2026-11-21T12:00:00Z".parse::<Timestamp>().unwrap();
    let request = access(moto).sign(call, now).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = Client::new(&Options::default(), &Proxies::none(), Duration::from_secs(5)).unwrap();
        let deadline = Instant::now() + Duration::from_mins(1);
        let tried = client.send_with_retry(request, &Policy::default(), deadline, is_transient).await;
        accept(tried.outcome.unwrap())
    })
}

fn reason(answer: Result<Response, Refusal>) -> (Reason, Option<String>) {
    let refusal = answer.unwrap_err();
    (refusal.reason(), refusal.code)
}

#[test]
fn a_message_reaches_its_topic() {
    let moto = Moto::start();
    let sns = |action: &str, parameters: &[(&str, &str)]| {
        send(&moto, &Call::query(Service::SNS, action, "2010-03-31", parameters.iter().copied()))
    };
    let made = sns("CreateTopic", &[("Name", "deployments")]).unwrap();
    let text = std::str::from_utf8(&made.body).unwrap();
    let topic = text.split("<TopicArn>").nth(1).unwrap().split('<').next().unwrap();
    let published = sns("Publish", &[("TopicArn", topic), ("Message", "a & b \u{e9}")]).unwrap();
    assert!(std::str::from_utf8(&published.body).unwrap().contains("<MessageId>"));
    let missing = sns("Publish", &[("TopicArn", &topic.replace("deployments", "none")), ("Message", "x")]);
    assert_eq!(reason(missing), (Reason::NotFound, Some("NotFound".to_owned())));
}

#[test]
fn an_event_reaches_its_bus() {
    let moto = Moto::start();
    let entry = json!({"Source": "sluice", "DetailType": "deployed", "Detail": "{}"});
    let put = Call::json(Service::EVENTBRIDGE, "AWSEvents.PutEvents", &json!({"Entries": [entry]}));
    let answer: Value = serde_json::from_slice(&send(&moto, &put).unwrap().body).unwrap();
    assert_eq!(answer["FailedEntryCount"], 0);
}

#[test]
fn an_object_is_put_once_and_locked() {
    let moto = Moto::start();
    moto.bucket("records");
    let until = "2099-01-01T00:00:00Z".parse().unwrap();
    let put = |bucket: &str| {
        let put = PutObject::new(bucket, "shop/1 a.json", "{}").unwrap();
        send(&moto, &put.only_new().locked(Lock::Compliance(until)).call())
    };
    assert_eq!(put("records").unwrap().status, 200);
    assert_eq!(reason(put("records")), (Reason::Exists, Some("PreconditionFailed".to_owned())));
    assert_eq!(reason(put("nowhere")), (Reason::NotFound, Some("NoSuchBucket".to_owned())));
}

#[test]
fn objects_are_encrypted_tagged_and_listed() {
    let moto = Moto::start();
    moto.bucket("records");
    let put = |key: &str| {
        let put = PutObject::new("records", key, "{}").unwrap();
        send(&moto, &put.encrypted(&Encryption::Kms(None)).tagged([("keep", "30d")]).call()).unwrap()
    };
    assert_eq!(put("a/1 +.yaml").header("x-amz-server-side-encryption"), Some("aws:kms"));
    put("b/1");
    let listed = |prefix: &str| {
        let answer = send(&moto, &Call::list_objects("records", prefix, None).unwrap()).unwrap();
        ObjectList::read(&answer.body).unwrap()
    };
    assert_eq!(listed("a/1 +"), ObjectList { keys: vec!["a/1 +.yaml".to_owned()], next: None });
    assert_eq!(listed("").keys, ["a/1 +.yaml", "b/1"]);
    assert_eq!(listed("none").keys.len(), 0);
    let got = send(&moto, &Call::get_object("records", "a/1 +.yaml").unwrap()).unwrap();
    assert_eq!(got.header("x-amz-tagging-count"), Some("1"));
}

#[test]
fn too_many_calls_are_made_again_when_that_is_safe() {
    let moto = Moto::start();
    let throttled = json!({"to": "PutEvents", "status": 400, "times": 1,
        "body": r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#});
    let call = |repeatable: bool| {
        let input = json!({"Entries": []});
        let call = Call::json(Service::EVENTBRIDGE, "AWSEvents.PutEvents", &input);
        if repeatable { call.repeatable() } else { call }
    };
    moto.answer(&throttled);
    assert_eq!(reason(send(&moto, &call(false))).0, Reason::Throttled);
    moto.answer(&throttled);
    let _ = send(&moto, &call(true));
    assert_eq!(moto.calls(), ["PutEvents", "PutEvents", "PutEvents"]);
}
