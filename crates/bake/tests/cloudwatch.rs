//! CloudWatch, asked as AWS is: over HTTP, signed. moto answers.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use sluice_bake::{Bake, Course, Given};
use sluice_core::{Context, Environment, Verdict};
use sluice_http::{CONNECT_TIMEOUT, Client, Options, Proxies};
use sluice_moto::{Moto, REGION};
use sluice_sigv4::{Access, Call, Service, accept};

/// In the middle of a minute, so that a stall does not turn it.
const NOW: &str = "2026-11-21T12:04:30Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn context(moto: &Moto) -> Context {
    let endpoint = moto.endpoint();
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
    ];
    let environment: Environment = variables.into_iter().collect();
    Context::new(environment, Path::new("/"), now)
}

fn client() -> Client {
    Client::new(&Options::default(), &Proxies::none(), CONNECT_TIMEOUT).unwrap()
}

/// A call that prepares what is measured.
fn prepare(cx: &Context, action: &str, parameters: &[(&str, &str)]) {
    let access = Access::from_lookup(|name| cx.variable(name).map(str::to_owned), Some(REGION)).unwrap();
    let call = Call::query(Service::CLOUDWATCH, action, "2010-08-01", parameters.iter().copied());
    let request = access.sign(&call, now()).unwrap();
    let response = cx.block_on(async { client().send(request).await.unwrap() }).unwrap();
    accept(response).unwrap();
}

fn report(cx: &Context, metric: &str, at: &str, value: &str) {
    prepare(
        cx,
        "PutMetricData",
        &[
            ("Namespace", "AWS/ApplicationELB"),
            ("MetricData.member.1.MetricName", metric),
            ("MetricData.member.1.Timestamp", at),
            ("MetricData.member.1.Value", value),
            ("MetricData.member.1.Dimensions.member.1.Name", "LoadBalancer"),
            ("MetricData.member.1.Dimensions.member.1.Value", "app/shop/1"),
        ],
    );
}

/// So many in the minute that has settled, from 12:01 to 12:02.
fn count(cx: &Context, metric: &str, value: &str) {
    report(cx, metric, "2026-11-21T12:01:20Z", value);
    // What is older is over, what is newer has not settled: neither must count.
    report(cx, metric, "2026-11-21T12:00:20Z", "7777");
    report(cx, metric, "2026-11-21T12:02:20Z", "9999");
}

fn alarm(cx: &Context, name: &str, state: &str) {
    prepare(
        cx,
        "PutMetricAlarm",
        &[
            ("AlarmName", name),
            ("Namespace", "AWS/ApplicationELB"),
            ("MetricName", "HTTPCode_Target_5XX_Count"),
            ("Statistic", "Sum"),
            ("Period", "60"),
            ("EvaluationPeriods", "1"),
            ("Threshold", "1"),
            ("ComparisonOperator", "GreaterThanThreshold"),
        ],
    );
    prepare(cx, "SetAlarmState", &[("AlarmName", name), ("StateValue", state), ("StateReason", "test")]);
}

/// Bakes by this section; the verdict and what is said of each metric.
fn bake(cx: &Context, section: &str) -> (Verdict, String) {
    let text = format!("for: 1s\ncloudwatch: {{region: {REGION}}}\nconsecutive-error-limit: 0\n{section}");
    let section = sluice_yaml::from_slice(text.as_bytes()).unwrap();
    let variables = [("balancer".to_owned(), "app/shop/1".to_owned())];
    let given = Given { file: "sluice.yml", region: None, variables: &variables };
    let bake = Bake::new(&section, given, client(), cx).unwrap();
    let mut course = Course::new(&bake);
    cx.block_on(async {
        tokio::time::timeout(Duration::from_mins(1), bake.watch(cx, &mut course)).await.unwrap();
    })
    .unwrap();
    let said: Vec<String> =
        course.tracks().iter().map(|track| format!("{}: {}", track.name, track.reason())).collect();
    (course.verdict(), said.join("\n"))
}

const ERRORS: &str = "
metrics:
  errors:
    errors: {namespace: AWS/ApplicationELB, metric: HTTPCode_Target_5XX_Count, statistic: Sum, dimensions: {LoadBalancer: '{{ balancer }}'}}
    total: {namespace: AWS/ApplicationELB, metric: RequestCount, statistic: Sum, dimensions: {LoadBalancer: '{{ balancer }}'}}
    max-error-rate: 1%
    min-requests: 100
";

#[test]
fn errors_are_held_to_the_requests_of_the_minute_that_has_settled() {
    let moto = Moto::start();
    let cx = context(&moto);
    let none = "errors: no data: no requests were found, 100 needed".to_owned();
    assert_eq!(bake(&cx, ERRORS), (Verdict::Undecided, none));
    // A balancer without errors reports none: not zero, nothing.
    count(&cx, "RequestCount", "500");
    assert_eq!(bake(&cx, ERRORS), (Verdict::Passed, "errors: 0 %, at most 1 %".to_owned()));
    count(&cx, "HTTPCode_Target_5XX_Count", "20");
    assert_eq!(bake(&cx, ERRORS), (Verdict::Failed, "errors: 4 %, at most 1 % is allowed".to_owned()));
}

#[test]
fn data_that_is_not_whole_is_no_data() {
    let moto = Moto::start();
    let cx = context(&moto);
    let partial = "<R><MetricDataResults><member><StatusCode>PartialData</StatusCode>\
                   <Values><member>1</member></Values></member></MetricDataResults></R>";
    moto.answer(&json!({"to": "POST /", "holding": "Action=GetMetricData", "status": 200, "body": partial}));
    let (verdict, said) = bake(&cx, ERRORS);
    assert_eq!(verdict, Verdict::Undecided);
    assert!(said.contains("CloudWatch does not have all data: PartialData"), "{said}");
}

#[test]
fn who_may_not_ask_is_told_what_to_allow() {
    let moto = Moto::start();
    let cx = context(&moto);
    let denied = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: arn:aws:sts::1:x/y \
                  is not authorized to perform: cloudwatch:GetMetricData</Message></Error></ErrorResponse>";
    moto.answer(&json!({"to": "POST /", "holding": "Action=GetMetricData", "status": 403, "body": denied}));
    let (verdict, said) = bake(&cx, ERRORS);
    assert_eq!(verdict, Verdict::Undecided);
    assert!(said.contains("CloudWatch refused: AccessDenied"), "{said}");
}

#[test]
fn no_alarm_may_ring_and_each_must_know() {
    let moto = Moto::start();
    let cx = context(&moto);
    alarm(&cx, "shop-5xx", "OK");
    alarm(&cx, "shop-latency", "OK");
    let alarms = "alarms: [shop-5xx, shop-latency]";
    assert_eq!(bake(&cx, alarms), (Verdict::Passed, "alarms: 2 of 2 OK".to_owned()));
    alarm(&cx, "shop-latency", "INSUFFICIENT_DATA");
    let unclear = "alarms: no data: shop-latency is in INSUFFICIENT_DATA".to_owned();
    assert_eq!(bake(&cx, alarms), (Verdict::Undecided, unclear));
    alarm(&cx, "shop-5xx", "ALARM");
    assert_eq!(bake(&cx, alarms), (Verdict::Failed, "alarms: in ALARM: shop-5xx".to_owned()));
    let missing = "alarms: there is no alarm shop-5xxx in eu-west-1".to_owned();
    assert_eq!(bake(&cx, "alarms: [shop-5xx, shop-5xxx]"), (Verdict::Misconfigured, missing));
}

#[test]
fn a_baseline_is_the_same_metric_before() {
    let moto = Moto::start();
    let cx = context(&moto);
    count(&cx, "TargetResponseTime", "0.2");
    report(&cx, "TargetResponseTime", "2026-11-21T11:01:20Z", "0.1");
    let section = "
metrics:
  latency:
    latency: {namespace: AWS/ApplicationELB, metric: TargetResponseTime, statistic: Average, dimensions: {LoadBalancer: app/shop/1}}
    baseline: {offset: 1h, max-ratio: 1.5}
";
    let (verdict, said) = bake(&cx, section);
    assert_eq!(verdict, Verdict::Failed);
    assert_eq!(said, "latency: 200 ms, at most 150 ms is allowed with a baseline of 100 ms");
}
