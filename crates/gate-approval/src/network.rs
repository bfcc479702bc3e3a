//! The way out: made when the first condition needs it, so that a gate that stays at home pays nothing.

use std::{
    cell::{OnceCell, RefCell},
    fmt::Display,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use sluice_aws::Aws;
use sluice_core::{Context, Problem, Secret, retry};
use sluice_github::{Api, Endpoints, Trace};
use sluice_http::{CONNECT_TIMEOUT, Client, Options, Proxies};
use sluice_registry::Keyring;

/// What it takes to ask others.
#[derive(Debug)]
pub(crate) struct Network<'a> {
    cx: &'a Context,
    access: &'a Access,
    client: OnceCell<Client>,
    github: OnceCell<Api>,
    traces: RefCell<Vec<Trace>>,
    aws: tokio::sync::OnceCell<Aws>,
}

/// What the inputs say of the network, and with which tokens it is asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    pub(crate) options: Options,
    pub(crate) token: Option<Secret>,
    /// A token that may read the teams of the organisation: the job's may not.
    pub(crate) org_token: Option<Secret>,
    /// The logins of registries, as Docker keeps them.
    pub(crate) registry_auth: Option<Secret>,
    /// How long a call may take with all its tries; `None` for as long as it is good.
    pub(crate) patience: Option<Duration>,
}

impl<'a> Network<'a> {
    pub(crate) fn new(cx: &'a Context, access: &'a Access) -> Self {
        Self {
            cx,
            access,
            client: OnceCell::new(),
            github: OnceCell::new(),
            traces: RefCell::default(),
            aws: tokio::sync::OnceCell::new(),
        }
    }

    /// The HTTP client that all share.
    pub(crate) fn client(&self) -> Result<Client, Problem> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let client = self.client_with(&self.access.options)?;
        Ok(self.client.get_or_init(|| client).clone())
    }

    fn client_with(&self, options: &Options) -> Result<Client, Problem> {
        Proxies::from_lookup(|name| self.cx.variable(name).map(str::to_owned))
            .and_then(|proxies| Client::new(options, &proxies, CONNECT_TIMEOUT))
            .map_err(|error| Problem::misconfigured("could not use the network").why(error))
    }

    /// AWS, with what the environment says of it. `region` is taken where the environment names none.
    pub(crate) async fn aws(&self, region: &str) -> Result<&Aws, Problem> {
        self.aws
            .get_or_try_init(async || {
                let variable = |name: &str| self.cx.variable(name);
                let named = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
                let bundle = variable("AWS_CA_BUNDLE").map(PathBuf::from);
                let ca_file = self.access.options.ca_file.clone().or(bundle);
                let client = self.client_with(&Options { ca_file })?;
                let region = named.is_none().then(|| region.to_owned());
                let variable = &|name: &str| variable(name).map(str::to_owned);
                let now = self.cx.now();
                let aws = Aws::connect(sluice_aws::Access { client, region, variable, now }).await?;
                for secret in aws.credentials().await?.secrets() {
                    self.cx.mask(secret);
                }
                Ok(aws)
            })
            .await
    }

    /// The logins of registries.
    pub(crate) fn keyring(&self) -> Result<Keyring, Problem> {
        let wrong = |place: &str, why: &dyn Display| {
            Problem::misconfigured(format!("the logins of registries in {place} can't be used"))
                .why(why)
                .help(r#"write {"auths": {"registry.example.com": {"auth": "<base64 of user:password>"}}}"#)
        };
        let read =
            |place: &str, text: &str| Keyring::of_docker_config(text).map_err(|error| wrong(place, &error));
        let variable = |name: &str| self.cx.variable(name);
        let mut keyring = if let Some(given) = &self.access.registry_auth {
            read("`registry-auth`", given.expose())?
        } else if let Some(given) = self.cx.secret("DOCKER_AUTH_CONFIG") {
            read("DOCKER_AUTH_CONFIG", given.expose())?
        } else {
            let folder = variable("DOCKER_CONFIG").map(PathBuf::from);
            let folder = folder.or_else(|| Some(Path::new(variable("HOME")?).join(".docker")));
            match folder.map(|folder| folder.join("config.json")) {
                Some(file) if file.exists() => {
                    let name = file.display().to_string();
                    read(&name, &std::fs::read_to_string(&file).map_err(|error| wrong(&name, &error))?)?
                }
                _ => Keyring::default(),
            }
        };
        for secret in keyring.secrets() {
            self.cx.mask(&secret);
        }
        if let Some(token) = &self.access.token {
            keyring = keyring.or("ghcr.io", "token", token);
        }
        Ok(keyring)
    }

    /// GitHub, with the job's token.
    pub(crate) fn github(&self) -> Result<Api, Problem> {
        if let Some(api) = self.github.get() {
            return Ok(api.clone());
        }
        let api = self.github_with(self.access.token.clone())?.remembering();
        Ok(self.github.get_or_init(|| api).clone())
    }

    /// GitHub, with the token that may read teams; `None` when none was given.
    pub(crate) fn github_of_organisation(&self) -> Result<Option<Api>, Problem> {
        self.access.org_token.clone().map(|token| self.github_with(Some(token))).transpose()
    }

    /// GitHub, and what is asked of it from here on.
    pub(crate) fn traced(&self) -> Result<(Api, Trace), Problem> {
        let (api, trace) = self.github()?.traced();
        self.traces.borrow_mut().push(trace.clone());
        Ok((api, trace))
    }

    /// When the token ends, as far as GitHub said so.
    pub(crate) fn token_ends(&self) -> Option<Timestamp> {
        let traces = self.traces.borrow();
        traces.iter().flat_map(Trace::answered).filter_map(|answered| answered.token_ends).min()
    }

    fn github_with(&self, token: Option<Secret>) -> Result<Api, Problem> {
        let endpoints = Endpoints::from_lookup(|name| self.cx.variable(name).map(str::to_owned))?;
        let api = Api::new(self.client()?, endpoints, token);
        Ok(match self.access.patience {
            Some(patience) => api.retry(retry::Policy::default(), patience),
            None => api,
        })
    }
}
