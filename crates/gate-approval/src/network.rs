//! The way out: made when the first condition needs it, so that a gate that stays at home pays nothing.

use std::{
    cell::{OnceCell, RefCell},
    time::Duration,
};

use jiff::Timestamp;
use sluice_core::{Context, Problem, Secret, retry};
use sluice_github::{Api, Endpoints, Trace};
use sluice_http::{CONNECT_TIMEOUT, Client, Options, Proxies};

/// What it takes to ask others.
#[derive(Debug)]
pub(crate) struct Network<'a> {
    cx: &'a Context,
    access: &'a Access,
    client: OnceCell<Client>,
    github: OnceCell<Api>,
    traces: RefCell<Vec<Trace>>,
}

/// What the inputs say of the network, and with which tokens it is asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    pub(crate) options: Options,
    pub(crate) token: Option<Secret>,
    /// A token that may read the teams of the organisation: the job's may not.
    pub(crate) org_token: Option<Secret>,
    /// How long a call may take with all its tries; `None` for as long as it is good.
    pub(crate) patience: Option<Duration>,
}

impl<'a> Network<'a> {
    pub(crate) fn new(cx: &'a Context, access: &'a Access) -> Self {
        Self { cx, access, client: OnceCell::new(), github: OnceCell::new(), traces: RefCell::default() }
    }

    /// The HTTP client that all share.
    pub(crate) fn client(&self) -> Result<Client, Problem> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let made = Proxies::from_lookup(|name| self.cx.variable(name).map(str::to_owned))
            .and_then(|proxies| Client::new(&self.access.options, &proxies, CONNECT_TIMEOUT));
        let client = made.map_err(|error| Problem::misconfigured("could not use the network").why(error))?;
        Ok(self.client.get_or_init(|| client).clone())
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
