//! Reads what ECR's scans found in the image.

use std::time::Duration;

use jiff::civil::Date;
use sluice_aws::{Error, Scan as Told, Which};
use sluice_config::Placed;
use sluice_core::{Period, Place, Problem};
use sluice_gate::{
    Gathered, Source,
    findings::{Facts, Findings, Found, Ignore, Scan, Scanned, Vulnerability},
    reports::Limits,
};
use sluice_registry::Manifest;

use crate::{
    condition::{Gather, World},
    image::{Elastic, Registry},
};

pub(crate) struct Gatherer(pub(crate) Findings);

/// ECR says that a scan is over before all that Inspector found has come in.
const SETTLE: Period = Period(Duration::from_mins(1));

/// The rule of a configuration.
pub(super) fn policy(
    rule: &sluice_config::Findings,
    place_of: impl Fn(&Placed<String>) -> Place,
) -> Result<Findings, Problem> {
    let sluice_config::Findings { critical, high, medium, low, unknown, max_age, settle, ignore } = rule;
    let ignore = ignore.iter().map(|ignore| {
        let sluice_config::Ignore { id, reason, owner, until } = ignore;
        let until: Date = until.value.parse().map_err(|_| {
            Problem::misconfigured(format!("\"{}\" is no day", until.value))
                .help("write the last day on which it is accepted, as `2026-12-31`")
                .at(place_of(until))
        })?;
        Ok(Ignore { id: id.clone(), reason: reason.clone(), owner: owner.clone(), until })
    });
    Ok(Findings {
        limits: Limits { critical: *critical, high: *high, medium: *medium, low: *low, unknown: *unknown },
        max_age: *max_age,
        settle: settle.unwrap_or(SETTLE),
        ignore: ignore.collect::<Result<_, Problem>>()?,
    })
}

impl Gather for Gatherer {
    type Policy = Findings;

    fn policy(&self) -> Findings {
        self.0.clone()
    }

    async fn gather(&self, world: &World<'_>) -> Result<Gathered<Facts>, Problem> {
        let digest = world.digest()?;
        let image =
            world.image.ok_or_else(|| Problem::misconfigured("it is not said which image is meant"))?;
        let registry = Registry::of(image, world.network).await?;
        let elastic = registry.elastic().ok_or_else(|| {
            Problem::misconfigured("the findings are those of ECR, and the image does not lie there")
                .why(image)
                .help("let a scanner write a report, and use `reports`")
        })?;
        let missing = || Problem::undecided("the registry has no such image").why(digest);
        let manifest = registry.manifest(digest).await?.ok_or_else(missing)?;
        let detail = elastic.ecr.image(&elastic.repository, Which::Digest(digest)).await?;
        let mut facts = Facts { digest: detail.digest, pushed_at: detail.pushed_at, images: Vec::new() };
        let mut sources = Vec::new();
        let scannable = match manifest {
            Manifest::Image { .. } => vec![(None, digest.to_owned())],
            Manifest::Index(entries) => entries
                .into_iter()
                .map(|entry| (entry.platform.map(|platform| platform.to_string()), entry.digest))
                .collect(),
        };
        for (platform, digest) in scannable {
            world.cx.cancellation().check()?;
            let scan = scan(elastic, &digest).await?;
            sources.push(Source { url: format!("{}@{digest}", image.name()), at: world.cx.now() });
            facts.images.push(Scanned { platform, digest, scan });
        }
        Ok(Gathered::read(facts, sources))
    }
}

async fn scan(elastic: &Elastic, digest: &str) -> Result<Option<Scan>, Problem> {
    let Told { digest, status, description, found } =
        match elastic.ecr.scan(&elastic.repository, digest).await {
            Ok(told) => told,
            Err(Error::NotFound(refusal)) if refusal.code.as_deref() == Some("ScanNotFoundException") => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
    let found = found.map(|found| Found {
        completed_at: found.completed_at,
        counts: found.counts,
        vulnerabilities: found
            .vulnerabilities
            .into_iter()
            .map(|sluice_aws::Vulnerability { id, severity, status, packages }| Vulnerability {
                id,
                severity,
                status,
                packages,
            })
            .collect(),
    });
    Ok(Some(Scan { digest, status, description, found }))
}
