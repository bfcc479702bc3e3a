//! The credentials of registries, as Docker keeps them.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use sluice_core::Secret;

/// What registries want to be shown, by registry.
#[derive(Clone, Debug, Default)]
pub struct Keyring(BTreeMap<String, Secret>);

/// Why a text holds no credentials that can be used. The text is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no configuration of Docker's with credentials: {0}")]
pub struct InvalidKeyring(&'static str);

/// The part of Docker's `config.json` that is read:
/// <https://docs.docker.com/reference/cli/docker/login/#credential-stores>.
#[derive(Deserialize)]
struct DockerConfig {
    #[serde(default)]
    auths: BTreeMap<String, Login>,
}

#[derive(Deserialize)]
struct Login {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

impl Keyring {
    /// Reads `{"auths": {"registry.example.com": {"auth": "<base64 of user:password>"}}}`.
    pub fn of_docker_config(text: &str) -> Result<Self, InvalidKeyring> {
        let config: DockerConfig = serde_json::from_str(text)
            .map_err(|_| InvalidKeyring("it is not of the form {\"auths\": {...}}"))?;
        let mut keyring = Self::default();
        for (registry, login) in config.auths {
            let basic = match login {
                Login { auth: Some(auth), .. } if !auth.is_empty() => {
                    let decoded =
                        BASE64_STANDARD.decode(&auth).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                    if decoded.is_none_or(|text| !text.contains(':')) {
                        return Err(InvalidKeyring("an `auth` is not the base64 of user:password"));
                    }
                    auth
                }
                Login { username: Some(user), password: Some(password), .. } => {
                    BASE64_STANDARD.encode(format!("{user}:{password}"))
                }
                // What a credential helper keeps is not in the file.
                _ => continue,
            };
            keyring.0.insert(registry_of(&registry), Secret::new(basic));
        }
        Ok(keyring)
    }

    /// Adds a login, unless there is one for the registry.
    #[must_use]
    pub fn or(mut self, registry: &str, user: &str, password: &Secret) -> Self {
        let basic = BASE64_STANDARD.encode(format!("{user}:{}", password.expose()));
        self.0.entry(registry.to_owned()).or_insert_with(|| Secret::new(basic));
        self
    }

    /// What must not be shown.
    pub fn secrets(&self) -> impl Iterator<Item = Secret> {
        self.0.values().flat_map(|basic| {
            let decoded = BASE64_STANDARD.decode(basic.expose()).ok();
            let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
            let password = text.and_then(|text| Some(text.split_once(':')?.1.to_owned()));
            password.map(Secret::new).into_iter().chain([basic.clone()])
        })
    }

    /// The base64 of user and password for a registry.
    pub(crate) fn get(&self, registry: &str) -> Option<&Secret> {
        self.0.get(registry)
    }
}

/// Docker writes Docker Hub as `https://index.docker.io/v1/`, and others with or without a scheme.
fn registry_of(key: &str) -> String {
    let host = key.trim_start_matches("https://").trim_start_matches("http://");
    let host = host.split('/').next().unwrap_or_default();
    if matches!(host, "index.docker.io" | "registry-1.docker.io") { "docker.io" } else { host }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_s_forms_are_read() {
        let keyring = Keyring::of_docker_config(
            r#"{"auths": {"https://index.docker.io/v1/": {"auth": "bWU6cGFzcw=="}, "ghcr.io": {"username": "me", "password": "pass"},
                "ecr.example": {}}, "credsStore": "desktop", "HttpHeaders": {}}"#,
        )
        .unwrap();
        for registry in ["docker.io", "ghcr.io"] {
            assert_eq!(keyring.get(registry).unwrap().expose(), "bWU6cGFzcw==", "{registry}");
        }
        assert_eq!(keyring.get("ecr.example"), None);
        assert!(keyring.secrets().any(|secret| secret.expose() == "pass"));
        assert!(!format!("{keyring:?}").contains("bWU6"));
    }

    #[test]
    fn what_is_no_login_is_refused_without_being_repeated() {
        for text in ["", "me:hunter22", r#"{"auths": {"x": {"auth": "hunter22"}}}"#, r#"{"auths": []}"#] {
            let error = Keyring::of_docker_config(text).unwrap_err().to_string();
            assert!(!error.contains("hunter22"), "{error}");
        }
    }

    #[test]
    fn a_login_that_is_given_comes_first() {
        let given = Keyring::of_docker_config(r#"{"auths": {"ghcr.io": {"auth": "bWU6cGFzcw=="}}}"#).unwrap();
        let keyring = given.or("ghcr.io", "x", &Secret::new("token")).or("other", "x", &Secret::new("y"));
        assert_eq!(keyring.get("ghcr.io").unwrap().expose(), "bWU6cGFzcw==");
        assert!(keyring.get("other").is_some());
    }
}
