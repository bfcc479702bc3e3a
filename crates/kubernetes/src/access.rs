//! How to get to a cluster.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use sluice_core::Secret;
use sluice_http::{CONNECT_TIMEOUT, Client, Connections, Options, Private, Proxies, Url};

use crate::{Error, credential::Credential, eks, kubeconfig, transport::Transport};

/// How to get to a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// By kubeconfig files, as kubectl finds them: `KUBECONFIG` (several are merged), else `~/.kube/config`; where
    /// neither is there, as [`Access::InCluster`].
    Kubeconfig {
        /// This file, and no other.
        path: Option<PathBuf>,
        /// This context; `None` for the current one.
        context: Option<String>,
    },
    /// By EKS: endpoint and authority come from `DescribeCluster`, the token is made from AWS credentials.
    Eks {
        /// The name of the cluster.
        name: String,
        /// Its region.
        region: String,
    },
    /// As a pod of the cluster, with its service account.
    InCluster,
}

/// What the run around gives.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// The network as the user has it. `ca_file` is trusted by AWS and by clusters that name no authority.
    pub options: &'a Options,
    /// A variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// The folder that relative paths begin at.
    pub folder: &'a Path,
    /// The time now.
    pub now: Timestamp,
    /// What is told of secrets, so that they are struck out of whatever the run says.
    pub mask: &'a dyn Fn(&Secret),
    /// Who writes, as managed fields name it: `sluice-rollout`.
    pub manager: &'static str,
    /// How long to try again what may pass.
    pub patience: Duration,
}

/// Where a cluster is, and who asks.
pub(crate) struct Endpoint {
    /// What reports call it.
    pub(crate) name: String,
    pub(crate) server: String,
    /// The namespace that is meant unless another is said.
    pub(crate) namespace: Option<String>,
    pub(crate) private: Private,
    pub(crate) proxy: Option<String>,
    pub(crate) credential: Credential,
}

const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

impl Endpoint {
    /// Finds out where and who.
    pub(crate) async fn find(access: &Access, setup: &Setup<'_>) -> Result<Self, Error> {
        match access {
            Access::Kubeconfig { path, context } => match kubeconfig::read(path.as_deref(), setup)? {
                Some(config) => kubeconfig::endpoint(config, context.as_deref(), setup).await,
                None if context.is_none() => Self::in_cluster(setup, Path::new(SERVICE_ACCOUNT)),
                None => Err(Error::access(
                    "a context is named, but there is no kubeconfig",
                    "give `kubeconfig`, or set KUBECONFIG",
                )),
            },
            Access::Eks { name, region } => {
                eks::endpoint(&eks::connect(setup, region).await?, name, region, setup.now).await
            }
            Access::InCluster => Self::in_cluster(setup, Path::new(SERVICE_ACCOUNT)),
        }
    }

    /// As a pod: <https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/#without-using-a-proxy>.
    pub(crate) fn in_cluster(setup: &Setup<'_>, account: &Path) -> Result<Self, Error> {
        let missing = |what: &dyn std::fmt::Display| {
            Error::access(
                format!("there is no kubeconfig, and this is no pod of a cluster: {what}"),
                "give `kubeconfig`, set KUBECONFIG, or name an EKS cluster and its region",
            )
        };
        let variable = |name: &str| {
            (setup.variable)(name)
                .filter(|value| !value.is_empty())
                .ok_or_else(|| missing(&format!("{name} is not set")))
        };
        let (host, port) = (variable("KUBERNETES_SERVICE_HOST")?, variable("KUBERNETES_SERVICE_PORT")?);
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let read = |name: &str| {
            let path = account.join(name);
            std::fs::read(&path).map_err(|error| missing(&format!("{}: {error}", path.display())))
        };
        let authority = read("ca.crt")?;
        let token = account.join("token");
        read("token")?;
        let namespace = read("namespace").ok().and_then(|name| String::from_utf8(name).ok());
        Ok(Self {
            name: "in-cluster".to_owned(),
            server: format!("https://{host}:{port}"),
            namespace: namespace.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()),
            private: Private { authority: Some(authority), ..Private::default() },
            proxy: None,
            credential: Credential::file(token),
        })
    }

    /// The way that requests go.
    pub(crate) fn transport(&self, setup: &Setup<'_>) -> Result<Transport, Error> {
        let unusable = |error: sluice_http::Error| {
            Error::access(error, "check server, certificates and proxy-url in the kubeconfig")
        };
        let server = Url::parse(self.server.trim_end_matches('/')).map_err(unusable)?;
        let proxies = match &self.proxy {
            Some(proxy) => Proxies::through(proxy, "proxy-url"),
            None => Proxies::from_lookup(|name| (setup.variable)(name)),
        };
        let connections =
            Connections { private: Some(self.private.clone()), ..Connections::from(setup.options) };
        let client =
            Client::with(&connections, &proxies.map_err(unusable)?, CONNECT_TIMEOUT).map_err(unusable)?;
        Ok(Transport::new(client, server, self.credential.clone(), setup.now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_finds_its_cluster() {
        let account = tempfile::tempdir().unwrap();
        for (name, text) in [("ca.crt", "pem"), ("token", "abcd"), ("namespace", "shop\n")] {
            std::fs::write(account.path().join(name), text).unwrap();
        }
        let variable = |name: &str| match name {
            "KUBERNETES_SERVICE_HOST" => Some("fd00::1".to_owned()),
            "KUBERNETES_SERVICE_PORT" => Some("443".to_owned()),
            _ => None,
        };
        let setup = Setup {
            options: &Options::default(),
            variable: &variable,
            folder: Path::new("/"),
            now: Timestamp::UNIX_EPOCH,
            mask: &|_| {},
            manager: "sluice-test",
            patience: Duration::ZERO,
        };
        let found = Endpoint::in_cluster(&setup, account.path()).unwrap();
        assert_eq!(
            (found.server.as_str(), found.namespace.as_deref()),
            ("https://[fd00::1]:443", Some("shop"))
        );
        assert_eq!(found.private.authority.as_deref(), Some(b"pem".as_slice()));
        std::fs::remove_file(account.path().join("token")).unwrap();
        assert!(matches!(Endpoint::in_cluster(&setup, account.path()), Err(Error::Access { .. })));
    }
}
