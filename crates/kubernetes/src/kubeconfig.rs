//! Kubeconfig files, as kubectl reads them: <https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/>.

use std::path::{Path, PathBuf};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use kube::config::{AuthInfo, Cluster, ExecConfig, Kubeconfig};
use secrecy::ExposeSecret;
use sluice_core::{Secret, nearest};
use sluice_http::Private;

use crate::{Error, Setup, access::Endpoint, credential::Credential, eks};

/// The merged kubeconfig; `None` where no one named a file and none lies in the usual place.
pub(crate) fn read(path: Option<&Path>, setup: &Setup<'_>) -> Result<Option<Kubeconfig>, Error> {
    let named = match path {
        Some(path) => vec![setup.folder.join(path)],
        None => of_variable(setup)?,
    };
    if named.is_empty() {
        let home = (setup.variable)("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let usual = home.map(|home| home.join(".kube/config")).filter(|path| path.exists());
        return usual.map(|path| read_file(&path)).transpose();
    }
    let mut merged: Option<Kubeconfig> = None;
    for path in named {
        let config = read_file(&path)?;
        merged = Some(match merged {
            None => config,
            Some(before) => before.merge(config).map_err(|error| {
                Error::access(
                    format!("the files of KUBECONFIG do not go together: {error}"),
                    "name one of them with `kubeconfig`",
                )
            })?,
        });
    }
    Ok(merged)
}

/// The files of `KUBECONFIG`. As kubectl does, those that are not there are passed over, unless none is.
fn of_variable(setup: &Setup<'_>) -> Result<Vec<PathBuf>, Error> {
    let variable = (setup.variable)("KUBECONFIG").unwrap_or_default();
    let named: Vec<PathBuf> = std::env::split_paths(&variable)
        .filter(|path| !path.as_os_str().is_empty())
        .map(|path| setup.folder.join(path))
        .collect();
    let there: Vec<PathBuf> = named.iter().filter(|path| path.exists()).cloned().collect();
    if there.is_empty() && !named.is_empty() {
        return Err(Error::access(format!("no file of KUBECONFIG is there: {variable}"), "check the paths"));
    }
    Ok(there)
}

fn read_file(path: &Path) -> Result<Kubeconfig, Error> {
    Kubeconfig::read_from(path).map_err(|error| {
        let whole = causes(&error);
        Error::access(
            format!("the kubeconfig {}: {whole}", path.display()),
            "check the path and the file; `kubectl config view` reads it, too",
        )
    })
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut parts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = cause.source();
    }
    parts.join(": ")
}

/// What a context stands for.
pub(crate) async fn endpoint(
    config: Kubeconfig,
    context: Option<&str>,
    setup: &Setup<'_>,
) -> Result<Endpoint, Error> {
    let name = context.or(config.current_context.as_deref()).filter(|name| !name.is_empty());
    let contexts = || config.contexts.iter().map(|context| context.name.as_str());
    let Some(name) = name else {
        return Err(Error::access(
            "the kubeconfig has no current context",
            format!("name one with `context`: {}", list(contexts())),
        ));
    };
    let context = find("context", name, &config.contexts, |entry| (&entry.name, entry.context.as_ref()))?;
    let cluster =
        find("cluster", &context.cluster, &config.clusters, |entry| (&entry.name, entry.cluster.as_ref()))?;
    let nobody = AuthInfo::default();
    let user = match context.user.as_deref().filter(|user| !user.is_empty()) {
        None => &nobody,
        Some(user) => {
            find("user", user, &config.auth_infos, |entry| (&entry.name, entry.auth_info.as_ref()))?
        }
    };
    let server = cluster.server.clone().ok_or_else(|| {
        Error::access(
            format!("the cluster {:?} of the kubeconfig has no server", context.cluster),
            "write its address: `server: https://...`",
        )
    })?;
    Ok(Endpoint {
        name: name.to_owned(),
        server,
        namespace: context.namespace.clone().filter(|namespace| !namespace.is_empty()),
        private: private(cluster, user)?,
        proxy: cluster.proxy_url.clone().filter(|proxy| !proxy.is_empty()),
        credential: credential(user, setup).await?,
    })
}

/// The entry of that name, or which names there are.
fn find<'a, E, T>(
    what: &str,
    name: &str,
    entries: &'a [E],
    open: impl Fn(&'a E) -> (&'a String, Option<&'a T>),
) -> Result<&'a T, Error> {
    if let Some((_, Some(found))) = entries.iter().map(&open).find(|(known, _)| *known == name) {
        return Ok(found);
    }
    let names: Vec<&str> = entries.iter().map(|entry| open(entry).0.as_str()).collect();
    let help = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("it has {}", list(names.into_iter())),
    };
    Err(Error::access(format!("the kubeconfig has no {what} {name:?}"), help))
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.map(|name| format!("{name:?}")).collect();
    if names.is_empty() { "none at all".to_owned() } else { names.join(", ") }
}

/// Whom to trust, and what we show.
fn private(cluster: &Cluster, user: &AuthInfo) -> Result<Private, Error> {
    if cluster.insecure_skip_tls_verify == Some(true) {
        return Err(Error::access(
            "the kubeconfig says insecure-skip-tls-verify: whoever is in between could read the token and answer for the cluster",
            "remove it, and give certificate-authority-data: the authority of the API server's certificate",
        ));
    }
    let authority = pem(
        "certificate-authority",
        cluster.certificate_authority_data.as_deref(),
        cluster.certificate_authority.as_deref(),
    )?;
    let certificate = pem(
        "client-certificate",
        user.client_certificate_data.as_deref(),
        user.client_certificate.as_deref(),
    )?;
    let key = user.client_key_data.as_ref().map(ExposeSecret::expose_secret);
    let key = pem("client-key", key, user.client_key.as_deref())?;
    let identity = match (certificate, key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some([certificate, b"\n".to_vec(), key].concat()),
        (_, None) => {
            return Err(Error::access(
                "the kubeconfig has a client-certificate without its client-key",
                "give both",
            ));
        }
        (None, _) => {
            return Err(Error::access(
                "the kubeconfig has a client-key without its client-certificate",
                "give both",
            ));
        }
    };
    let server_name = cluster.tls_server_name.clone().filter(|name| !name.is_empty());
    Ok(Private { authority, identity, server_name })
}

/// PEM from the kubeconfig itself, else from a file.
fn pem(field: &str, data: Option<&str>, file: Option<&str>) -> Result<Option<Vec<u8>>, Error> {
    if let Some(data) = data.filter(|data| !data.is_empty()) {
        // Long data is often wrapped.
        let data: String = data.split_ascii_whitespace().collect();
        let decoded = BASE64_STANDARD.decode(data).map_err(|error| {
            Error::access(
                format!("{field}-data of the kubeconfig is not base64: {error}"),
                "write the kubeconfig anew",
            )
        })?;
        return Ok(Some(decoded));
    }
    let Some(file) = file.filter(|file| !file.is_empty()) else { return Ok(None) };
    std::fs::read(file).map(Some).map_err(|error| {
        Error::access(format!("{field} of the kubeconfig can't be read: {file}: {error}"), "check the path")
    })
}

/// Who asks.
async fn credential(user: &AuthInfo, setup: &Setup<'_>) -> Result<Credential, Error> {
    let acts_as_another =
        user.impersonate.is_some() || user.impersonate_groups.is_some() || user.impersonate_uid.is_some();
    if acts_as_another {
        return Err(Error::access(
            "the kubeconfig acts as another user (`as`), which is not done here",
            "use credentials of that user's own",
        ));
    }
    if let Some(token) = &user.token {
        let token = Secret::new(token.expose_secret());
        (setup.mask)(&token);
        return Ok(Credential::Token(token));
    }
    if let Some(file) = &user.token_file {
        return Ok(Credential::file(file.into()));
    }
    if let Some(exec) = &user.exec {
        let Some(EksUser { cluster, region, role, profile }) = EksUser::of(exec, setup) else {
            let command = exec.command.as_deref().unwrap_or_default();
            return Err(Error::access(
                format!("the kubeconfig wants to run {command:?} for credentials: here no program is run"),
                "for EKS name the cluster and its region; else put a token or a client certificate into the kubeconfig",
            ));
        };
        let (Some(cluster), Some(region)) = (cluster, region) else {
            return Err(Error::access(
                "the kubeconfig's exec plugin for EKS names no cluster or no region",
                "write it with `aws eks update-kubeconfig`, or name the EKS cluster and its region",
            ));
        };
        if let Some(role) = role {
            return Err(Error::access(
                format!("the kubeconfig's exec plugin takes on the role {role}"),
                "let the job assume that role itself, and write the kubeconfig without it",
            ));
        }
        let current = (setup.variable)("AWS_PROFILE").filter(|current| !current.is_empty());
        if profile.is_some() && profile != current {
            let profile = profile.unwrap_or_default();
            return Err(Error::access(
                format!("the kubeconfig's exec plugin uses the AWS profile {profile:?}"),
                format!("set AWS_PROFILE={profile}"),
            ));
        }
        let aws = eks::connect(setup, &region).await?;
        return Ok(Credential::eks(aws, &cluster, &region, setup.now));
    }
    if let Some(provider) = &user.auth_provider {
        return Err(Error::access(
            format!(
                "the kubeconfig has the auth-provider {:?}, which Kubernetes has given up",
                provider.name
            ),
            "put a token or a client certificate into it",
        ));
    }
    if user.username.is_some() {
        return Err(Error::access(
            "the kubeconfig has a user name and a password, which Kubernetes has given up",
            "put a token or a client certificate into it",
        ));
    }
    Ok(Credential::None)
}

/// What `aws eks get-token` and `aws-iam-authenticator token` are told.
#[derive(Debug, PartialEq)]
struct EksUser {
    cluster: Option<String>,
    region: Option<String>,
    role: Option<String>,
    profile: Option<String>,
}

impl EksUser {
    fn of(exec: &ExecConfig, setup: &Setup<'_>) -> Option<Self> {
        let command = Path::new(exec.command.as_deref()?).file_stem()?.to_str()?;
        let arguments = exec.args.as_deref().unwrap_or_default();
        let has = |word: &str| arguments.iter().any(|argument| argument == word);
        let known = match command {
            "aws" => has("eks") && has("get-token"),
            "aws-iam-authenticator" | "heptio-authenticator-aws" => has("token"),
            _ => false,
        };
        if !known {
            return None;
        }
        let variables = exec.env.as_deref().unwrap_or_default();
        let variable = |name: &str| {
            let own = variables.iter().find(|entry| entry.get("name").is_some_and(|known| known == name));
            let own = own.and_then(|entry| entry.get("value").cloned());
            own.or_else(|| (setup.variable)(name)).filter(|value| !value.is_empty())
        };
        let own_profile =
            variables.iter().find(|entry| entry.get("name").is_some_and(|name| name == "AWS_PROFILE"));
        let first = |flags: &[&str]| flags.iter().find_map(|flag| option(arguments, flag));
        Some(Self {
            cluster: first(&["--cluster-name", "--cluster-id", "-i"]),
            region: first(&["--region"])
                .or_else(|| variable("AWS_REGION"))
                .or_else(|| variable("AWS_DEFAULT_REGION")),
            role: first(&["--role-arn", "--role", "-r"]),
            profile: first(&["--profile"])
                .or_else(|| own_profile.and_then(|entry| entry.get("value").cloned())),
        })
    }
}

/// The value of `--flag value` or `--flag=value`.
fn option(arguments: &[String], flag: &str) -> Option<String> {
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == flag {
            return arguments.next().cloned();
        }
        if let Some(value) = argument.strip_prefix(flag).and_then(|rest| rest.strip_prefix('=')) {
            return Some(value.to_owned());
        }
    }
    None
}
