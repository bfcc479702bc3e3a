//! Where an image lies.

use sluice_core::ImageReference;

/// The registry that an image lies in, and its name there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Host and port, as credentials are kept for it: `ghcr.io`, `docker.io`.
    pub registry: String,
    /// The name in the registry: `acme/app`.
    pub repository: String,
}

impl Location {
    /// The place of an image. A name without a registry is one of Docker Hub's:
    /// <https://github.com/distribution/reference/blob/main/normalize.go>.
    pub fn of(image: &ImageReference) -> Self {
        let name = image.name();
        let (registry, repository) = match image.registry() {
            Some(registry) => (registry, name[registry.len()..].trim_start_matches('/')),
            None => ("docker.io", name),
        };
        let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
        let is_official = registry == "docker.io" && !repository.contains('/');
        Self {
            registry: registry.to_owned(),
            repository: if is_official { format!("library/{repository}") } else { repository.to_owned() },
        }
    }

    /// The address below which the API answers for this repository. Only a registry on this machine is asked without
    /// TLS, as Docker does it.
    pub fn base(&self) -> String {
        let host = if self.registry == "docker.io" { "registry-1.docker.io" } else { &self.registry };
        let name = host.split(':').next().unwrap_or_default();
        let scheme = if matches!(name, "localhost" | "127.0.0.1") { "http" } else { "https" };
        format!("{scheme}://{host}/v2/{}", self.repository)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_image_has_its_place() {
        let base = |image: &str| Location::of(&image.parse().unwrap()).base();
        assert_eq!(base("redis:7"), "https://registry-1.docker.io/v2/library/redis");
        assert_eq!(base("acme/app"), "https://registry-1.docker.io/v2/acme/app");
        assert_eq!(base("index.docker.io/redis"), "https://registry-1.docker.io/v2/library/redis");
        assert_eq!(base("ghcr.io/acme/app:v1"), "https://ghcr.io/v2/acme/app");
        assert_eq!(base("localhost:5000/app"), "http://localhost:5000/v2/app");
        assert_eq!(base("127.0.0.1:5000/app"), "http://127.0.0.1:5000/v2/app");
        assert_eq!(base("localhost.evil.example/app"), "https://localhost.evil.example/v2/app");
    }
}
