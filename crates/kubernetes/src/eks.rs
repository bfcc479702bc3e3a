//! A cluster of EKS, by its name.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use sluice_aws::Aws;
use sluice_http::{CONNECT_TIMEOUT, Client, Options, Private, Proxies};

use crate::{Error, Setup, access::Endpoint, credential::Credential};

/// AWS, with what the environment says of it.
pub(crate) async fn connect(setup: &Setup<'_>, region: &str) -> Result<Aws, Error> {
    let bundle = (setup.variable)("AWS_CA_BUNDLE").filter(|path| !path.is_empty());
    let ca_file = setup.options.ca_file.clone().or_else(|| bundle.map(Into::into));
    let client = Proxies::from_lookup(|name| (setup.variable)(name))
        .and_then(|proxies| Client::new(&Options { ca_file }, &proxies, CONNECT_TIMEOUT))
        .map_err(|error| Error::access(error, "check the CA file and the proxy"))?;
    let Setup { variable, now, .. } = *setup;
    let region = Some(region.to_owned());
    let aws = Aws::connect(sluice_aws::Access { client, region, variable, now }).await.map_err(problem)?;
    for secret in aws.credentials().await.map_err(problem)?.secrets() {
        (setup.mask)(secret);
    }
    Ok(aws)
}

/// Where the cluster is, as EKS says.
pub(crate) async fn endpoint(aws: &Aws, name: &str, region: &str, now: Timestamp) -> Result<Endpoint, Error> {
    let cluster = match aws.eks(region).cluster(name).await {
        Err(sluice_aws::Error::NotFound(refusal)) => {
            return Err(Error::access(
                format!("EKS has no cluster {name:?} in {region}: {refusal}"),
                "check the name, the region, and the account of the role that this job assumes",
            ));
        }
        other => other.map_err(problem)?,
    };
    let incomplete = |what: &str| {
        Error::could_not_tell(format!(
            "EKS tells no {what} of the cluster {name:?}, which is {}",
            cluster.status
        ))
    };
    let server = cluster.endpoint.clone().ok_or_else(|| incomplete("endpoint"))?;
    let authority =
        cluster.certificate_authority.as_ref().ok_or_else(|| incomplete("certificate authority"))?;
    let authority =
        BASE64_STANDARD.decode(authority).map_err(|_| incomplete("readable certificate authority"))?;
    Ok(Endpoint {
        name: name.to_owned(),
        server,
        namespace: None,
        private: Private { authority: Some(authority), ..Private::default() },
        proxy: None,
        credential: Credential::eks(aws.clone(), name, region, now),
    })
}

/// What AWS answered instead.
pub(crate) fn problem(error: sluice_aws::Error) -> Error {
    let problem = sluice_core::Problem::from(error);
    let why =
        problem.why.as_deref().map_or_else(|| problem.what.clone(), |why| format!("{}: {why}", problem.what));
    Error::CouldNotTell { why, help: problem.help.unwrap_or_default() }
}
