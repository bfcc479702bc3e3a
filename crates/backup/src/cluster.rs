//! The way to the cluster.

use std::time::Duration;

use sluice_core::{Context, Problem};
use sluice_kubernetes::{Cluster, Setup};

use crate::plan::Target;

/// Who writes, as managed fields name it.
const MANAGER: &str = "sluice-backup";
/// How long to try again what may pass.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) async fn connect(
    target: &Target,
    network: &sluice_http::Options,
    cx: &Context,
) -> Result<Cluster, Problem> {
    let setup = Setup {
        options: network,
        variable: &|name| cx.variable(name).map(str::to_owned),
        folder: cx.folder(),
        now: cx.now(),
        mask: &|secret| cx.mask(secret),
        manager: MANAGER,
        patience: PATIENCE,
    };
    Ok(Cluster::connect(&target.access, target.namespace.as_deref(), setup).await?)
}
