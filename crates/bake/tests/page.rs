//! What the page shows is what can be written.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::path::Path;

use sluice_bake::{Bake, Given};
use sluice_core::{Context, Environment};
use sluice_http::{CONNECT_TIMEOUT, Client, Options, Proxies};

#[test]
fn the_example_of_the_page_is_a_bake() {
    let page = include_str!("../../../actions/smoke-test/BAKE.md");
    let example = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let sluice: sluice_config::Sluice = sluice_yaml::from_slice(example.as_bytes()).unwrap();
    let section = sluice.environments["production"].bake.as_ref().unwrap();
    let variables = ["PROMETHEUS_TOKEN", "PROMETHEUS_TENANT", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let environment: Environment = variables.into_iter().map(|name| (name, "hush-hush")).collect();
    let cx = Context::new(environment, Path::new("/"), || jiff::Timestamp::UNIX_EPOCH);
    let client = Client::new(&Options::default(), &Proxies::none(), CONNECT_TIMEOUT).unwrap();
    let version = [("version".to_owned(), "v1.2.3".to_owned())];
    let given = Given { file: "sluice.yml", region: None, variables: &version };
    let bake = Bake::new(section, given, client, &cx).unwrap();
    assert_eq!(bake.schedule(), "for 10m, every 30s, after 1m");
}
