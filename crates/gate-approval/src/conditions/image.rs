//! Looks at the image in its registry.

use sluice_aws::{Mutability, Which};
use sluice_core::{ImageReference, Problem};
use sluice_gate::{
    Gathered, Source,
    image::{Built, Facts, Found, Image, Tag},
};
use sluice_registry::{Config, Manifest};

use crate::{
    condition::{Gather, World},
    image::{Registry, Resolved},
};

pub(crate) struct Gatherer(pub(crate) Image);

/// The rule of a configuration.
pub(super) fn policy(rule: &sluice_config::ImageCondition) -> Image {
    let sluice_config::ImageCondition { exists, platforms, max_age, immutable } = rule;
    Image { exists: *exists, platforms: platforms.clone(), max_age: *max_age, immutable: *immutable }
}

impl Gather for Gatherer {
    type Policy = Image;

    fn policy(&self) -> Image {
        self.0.clone()
    }

    async fn gather(&self, world: &World<'_>) -> Result<Gathered<Facts>, Problem> {
        let sources = || world.image.map(|image| Source { url: image.to_string(), at: world.cx.now() });
        let seen = |found| Ok(Gathered::read(Facts { found }, sources().into_iter().collect()));
        if let Resolved::NotThere = world.resolved {
            return seen(None);
        }
        let digest = world.digest()?;
        let image =
            world.image.ok_or_else(|| Problem::misconfigured("it is not said which image is meant"))?;
        let registry = Registry::of(image, world.network).await?;
        let Some(manifest) = registry.manifest(digest).await? else { return seen(None) };
        let mut found = Found {
            digest: digest.to_owned(),
            platforms: self.platforms(&registry, digest, manifest).await?,
            pushed_at: None,
            status: None,
            tag: self.tag(image, &registry).await?,
        };
        if let Some(elastic) = registry.elastic() {
            let detail = elastic.ecr.image(&elastic.repository, Which::Digest(digest)).await?;
            found.digest = detail.digest;
            found.pushed_at = detail.pushed_at;
            found.status = detail.status;
        }
        seen(Some(found))
    }
}

impl Gatherer {
    async fn platforms(
        &self,
        registry: &Registry<'_>,
        digest: &str,
        manifest: Manifest,
    ) -> Result<Vec<Built>, Problem> {
        // ECR tells when it took an image: when it was built counts for less.
        let needs_time = self.0.max_age.is_some() && registry.elastic().is_none();
        let entries = match manifest {
            Manifest::Index(entries) => entries,
            Manifest::Image { .. } if self.0.platforms.is_empty() && !needs_time => return Ok(Vec::new()),
            Manifest::Image { config } => {
                let Config { platform, created } = registry.config(&config).await?;
                return Ok(vec![Built {
                    platform: platform.to_string(),
                    digest: digest.to_owned(),
                    created,
                }]);
            }
        };
        let mut platforms = Vec::new();
        for entry in entries {
            let Some(platform) = entry.platform else { continue };
            let created = if needs_time { created(registry, &entry.digest).await? } else { None };
            platforms.push(Built { platform: platform.to_string(), digest: entry.digest, created });
        }
        Ok(platforms)
    }

    async fn tag(&self, image: &ImageReference, registry: &Registry<'_>) -> Result<Option<Tag>, Problem> {
        let name = match (image.tag(), image.digest()) {
            (Some(tag), _) => tag,
            (None, None) => "latest",
            (None, Some(_)) => return Ok(None),
        };
        let immutable = match registry.elastic() {
            Some(elastic) if self.0.immutable => {
                is_fixed(name, &elastic.ecr.mutability(&elastic.repository).await?)
            }
            _ => None,
        };
        Ok(Some(Tag { name: name.to_owned(), digest: registry.tagged().await?, immutable }))
    }
}

/// When the image of one platform was built.
async fn created(registry: &Registry<'_>, digest: &str) -> Result<Option<jiff::Timestamp>, Problem> {
    match registry.manifest(digest).await? {
        Some(Manifest::Image { config }) => Ok(registry.config(&config).await?.created),
        _ => Err(Problem::undecided("the index names an image that is not there").why(digest)),
    }
}

/// Whether a tag can't be moved; `None` for a rule that is not known.
///
/// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html>
fn is_fixed(tag: &str, mutability: &Mutability) -> Option<bool> {
    let is_excluded = || mutability.exclusions.iter().any(|pattern| matches(pattern, tag));
    match mutability.rule.as_str() {
        "IMMUTABLE" => Some(true),
        "MUTABLE" => Some(false),
        "IMMUTABLE_WITH_EXCLUSION" => Some(!is_excluded()),
        "MUTABLE_WITH_EXCLUSION" => Some(is_excluded()),
        _ => None,
    }
}

/// Whether a pattern, in which `*` stands for anything, is that of a tag.
fn matches(pattern: &str, tag: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == tag,
        Some((start, rest)) => tag.strip_prefix(start).is_some_and(|tag| {
            (0..=tag.len()).any(|at| tag.is_char_boundary(at) && matches(rest, &tag[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_fixed_by_the_rule_or_by_an_exclusion_from_it() {
        let fixed = |rule: &str, tag: &str| {
            let exclusions = vec!["dev-*".to_owned(), "*-rc*".to_owned()];
            is_fixed(tag, &Mutability { rule: rule.to_owned(), exclusions })
        };
        assert_eq!(fixed("IMMUTABLE", "dev-1"), Some(true));
        assert_eq!(fixed("MUTABLE", "v1"), Some(false));
        assert_eq!(fixed("IMMUTABLE_WITH_EXCLUSION", "v1"), Some(true));
        assert_eq!(fixed("IMMUTABLE_WITH_EXCLUSION", "dev-1"), Some(false));
        assert_eq!(fixed("MUTABLE_WITH_EXCLUSION", "v1-rc2"), Some(true));
        assert_eq!(fixed("MUTABLE_WITH_EXCLUSION", "v1"), Some(false));
        assert_eq!(fixed("BRAND_NEW", "v1"), None);
    }
}
