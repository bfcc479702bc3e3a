//! backup in S3.

use serde_json::json;
use sluice_end_to_end::{Repository, Run};
use sluice_kubernetes_fake::Kubernetes;
use sluice_moto::{Moto, REGION};

use crate::backup::{KEY, run, shop};

fn with<'a>(run: Run<'a>, moto: &Moto) -> Run<'a> {
    run.variable("AWS_ACCESS_KEY_ID", "AK")
        .variable("AWS_SECRET_ACCESS_KEY", "secret-of-aws")
        .variable("AWS_REGION", REGION)
        .variable("AWS_ENDPOINT_URL", &moto.endpoint())
}

fn export<'a>(repository: &'a Repository, kubernetes: &Kubernetes, moto: &Moto) -> Run<'a> {
    let run = run(repository, kubernetes, "export").input("to", "s3://acme-backups/production");
    with(run.input("secrets", "true").input("key", KEY), moto)
}

#[test]
fn a_backup_is_kept_in_a_bucket_and_put_back_from_there() {
    let (kubernetes, moto, repository) = (shop(), Moto::start(), Repository::new());
    moto.bucket("acme-backups");
    let outcome = export(&repository, &kubernetes, &moto)
        .input("s3-encryption", "aws:kms")
        .input("retention", "30d")
        .ends();
    outcome.exits(0).never_says("secret-of-aws").never_says(KEY);
    let location = outcome.outputs["location"].clone();
    assert!(location.starts_with("s3://acme-backups/production/shop/20"), "{location}");
    // The manifest is put last.
    let puts: Vec<String> =
        moto.calls().into_iter().filter(|call| call.starts_with("PUT /acme-backups/")).collect();
    assert_eq!(puts.iter().position(|call| call.ends_with("/manifest.json")), Some(puts.len() - 1));
    assert_eq!(puts.len(), 10);

    let verify = |from: &str, digest: &str| {
        let run = run(&repository, &kubernetes, "verify").input("from", from).input("key", KEY);
        with(run.input("digest", digest), &moto).ends()
    };
    verify(&location, &outcome.outputs["digest"])
        .exits(0)
        .says("is whole: 9 files")
        .says("which the key decrypts");
    verify("s3://acme-backups/production", "").exits(1).says("holds no backup");
    verify("s3://acme-backups/nothing", "").exits(1).says("there is nothing");
    verify("s3://not-there/x", "").exits(3).says("NoSuchBucket");

    kubernetes.delete("configmaps", "shop", "settings");
    let restore = run(&repository, &kubernetes, "restore").input("from", &location).input("key", KEY);
    with(restore, &moto).ends().exits(0).says("9 objects restored: 1 created, 0 changed, 8 were the same");
}

#[test]
fn what_s3_does_not_take_is_no_backup() {
    let (kubernetes, moto, repository) = (shop(), Moto::start(), Repository::new());
    moto.bucket("acme-backups");
    let denied = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
    moto.answer(&json!({"to": "PUT", "holding": "kind: Widget", "status": 403, "body": denied}));
    let outcome = export(&repository, &kubernetes, &moto).ends();
    outcome.exits(3).says("let the role have s3:PutObject");
    assert!(!outcome.outputs.contains_key("location"), "{outcome:#?}");
    assert!(moto.calls().iter().all(|call| !call.contains("manifest.json")), "{:?}", moto.calls());
}

#[test]
fn a_backup_of_many_pages_is_read_whole() {
    let (kubernetes, moto, repository) = (shop(), Moto::start(), Repository::new());
    moto.bucket("acme-backups");
    let location = export(&repository, &kubernetes, &moto).ends().outputs["location"].clone();
    moto.keys_a_page(4);
    let verify = run(&repository, &kubernetes, "verify").input("from", &location);
    with(verify, &moto).ends().exits(0).says("is whole: 9 files");
    let is_list = |call: &String| call.trim_end_matches('/') == "GET /acme-backups";
    let lists = moto.calls().into_iter().filter(is_list).count();
    assert_eq!(lists, 3, "{:?}", moto.calls());

    kubernetes.delete("services", "shop", "api");
    let restore = run(&repository, &kubernetes, "restore").input("from", &location).input("key", KEY);
    with(restore, &moto).ends().exits(0).says("9 objects restored: 1 created, 0 changed, 8 were the same");
}

#[test]
fn an_export_that_is_killed_leaves_no_backup_in_the_bucket() {
    let (kubernetes, moto, repository) = (shop(), Moto::start(), Repository::new());
    moto.bucket("acme-backups");
    let slow =
        json!({"to": "PUT", "holding": "kind: Widget", "status": 503, "body": "", "delay": 3600, "times": 1});
    moto.answer(&slow);
    let running = export(&repository, &kubernetes, &moto).starts();
    let puts = || {
        let calls = moto.calls().into_iter().filter(|call| call.starts_with("PUT /acme-backups/"));
        calls.map(|call| call["PUT /acme-backups/".len()..].to_owned()).collect::<Vec<_>>()
    };
    while puts().len() < 9 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    running.kill();
    assert_eq!(running.ends().code, None);
    let folder: Vec<String> = puts()[0].split('/').take(3).map(str::to_owned).collect();
    let location = format!("s3://acme-backups/{}", folder.join("/"));
    for command in ["verify", "restore"] {
        let run = run(&repository, &kubernetes, command).input("from", &location).input("key", KEY);
        with(run, &moto).ends().exits(1).says("it has no manifest.json: its export did not come to its end");
    }
    export(&repository, &kubernetes, &moto).input("to", "s3://acme-backups/again").ends().exits(0);
}
