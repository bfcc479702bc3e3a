//! What a run is to do: inputs and configuration, merged once.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use sluice_config::{Environments, File, Sections, Unread};
use sluice_core::{Context, Place, Problem, nearest};
use sluice_kubernetes::Access;
use sluice_sigv4::Encryption;

use crate::{
    inputs::{Export, Kinds, Namespace, Restore, S3Encryption, Verify},
    kinds::Choice,
    seal::Key,
    store::{Address, Marks},
};

/// The part of the configuration that backup reads.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Config {
    #[serde(default)]
    environments: Environments<Unread, Unread, sluice_config::Backup>,
}

impl Sections for Config {
    const NAMES: &'static [&'static str] = &["environments"];
}

type Environment = sluice_config::Environment<Unread, Unread, sluice_config::Backup>;

/// Where an export goes when nobody says it.
const FOLDER: &str = "backup";

/// Which namespace of which cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) access: Access,
    /// `None` for that of the kubeconfig's context.
    pub(crate) namespace: Option<String>,
}

/// What `export` is to do.
pub(crate) struct ExportPlan {
    pub(crate) target: Target,
    pub(crate) choice: Choice,
    pub(crate) key: Option<Key>,
    pub(crate) to: Address,
    pub(crate) marks: Marks,
    pub(crate) is_rehearsal: bool,
    pub(crate) network: sluice_http::Options,
}

/// What `restore` is to do.
pub(crate) struct RestorePlan {
    pub(crate) source: Source,
    pub(crate) target: Target,
    pub(crate) takes_other_namespace: bool,
    pub(crate) choice: Option<Choice>,
    pub(crate) is_forced: bool,
    pub(crate) is_rehearsal: bool,
}

/// A backup that is read, and what it must be.
pub(crate) struct Source {
    pub(crate) from: Address,
    pub(crate) digest: Option<String>,
    pub(crate) key: Option<Key>,
    pub(crate) network: sluice_http::Options,
}

impl ExportPlan {
    pub(crate) fn new(inputs: Export, config: &File<Config>, cx: &Context) -> Result<Self, Problem> {
        let environment = environment(&inputs.namespace, config)?;
        let file = environment.and_then(|environment| environment.backup.clone()).unwrap_or_default();
        let to = match (&inputs.to, &file.to) {
            (Some(to), _) => Address::new(to, cx.folder())?,
            (None, Some(to)) => {
                Address::new(&to.value, cx.root()).map_err(|problem| problem.at(config.place_of(to)))?
            }
            (None, None) => Address::Folder(cx.folder().join(FOLDER)),
        };
        let words = |given: Vec<String>, configured: Vec<sluice_config::Placed<String>>| {
            if given.is_empty() { configured.into_iter().map(|word| word.value).collect() } else { given }
        };
        let choice = Choice {
            kinds: words(inputs.kinds.kinds, file.kinds),
            exclude: words(inputs.kinds.exclude_kinds, file.exclude_kinds),
            secrets: inputs.secrets.unwrap_or(file.secrets),
        };
        let key = inputs.key.as_ref().map(Key::new).transpose()?;
        if choice.takes_secrets() && key.is_none() {
            return Err(Problem::misconfigured("Secrets are to be exported, but there is no `key`")
                .why("they are kept encrypted, or not at all")
                .help(
                    "make a key with `openssl rand -base64 32`, keep it as a secret, and give it as `key`",
                ));
        }
        let encryption = inputs
            .s3_encryption
            .map(|how| how == S3Encryption::Kms)
            .or(file.s3_encryption.map(|how| how == sluice_config::S3Encryption::Kms));
        let kms_key = inputs.s3_kms_key.or(file.s3_kms_key.map(|key| key.value));
        let encryption = match (encryption, kms_key) {
            (None, None) => None,
            (Some(false), None) => Some(Encryption::S3),
            (Some(true) | None, key) => Some(Encryption::Kms(key)),
            (Some(false), Some(_)) => {
                return Err(Problem::misconfigured("`AES256` encrypts with no key of KMS")
                    .help("leave `s3-kms-key` out, or set `s3-encryption: aws:kms`"));
            }
        };
        let given =
            [("s3-encryption", inputs.s3_encryption.is_some()), ("retention", inputs.retention.is_some())];
        if let (Address::Folder(folder), Some((input, _))) =
            (&to, given.iter().find(|(_, is_given)| *is_given))
        {
            return Err(Problem::misconfigured(format!("`{input}` holds for S3 only"))
                .why(format!("the backup goes to the folder {}", cx.name_of(folder)))
                .help(format!("leave `{input}` out, or let the backup go to `s3://BUCKET/PREFIX`")));
        }
        let retention = inputs.retention.or(file.retention).map(|time| time.to_string().replace(' ', ""));
        Ok(Self {
            target: Target::new(inputs.namespace, environment, cx)?,
            choice,
            key,
            to,
            marks: Marks { encryption, retention },
            is_rehearsal: inputs.dry_run,
            network: inputs.network,
        })
    }
}

impl RestorePlan {
    pub(crate) fn new(inputs: Restore, config: &File<Config>, cx: &Context) -> Result<Self, Problem> {
        let environment = environment(&inputs.namespace, config)?;
        let Kinds { kinds, exclude_kinds } = inputs.kinds;
        let is_chosen = !(kinds.is_empty() && exclude_kinds.is_empty());
        // What is in the backup was asked for when it was made.
        let choice = is_chosen.then_some(Choice { secrets: kinds.is_empty(), kinds, exclude: exclude_kinds });
        Ok(Self {
            source: Source::new(&inputs.from, inputs.digest, inputs.key.as_ref(), inputs.network, cx)?,
            target: Target::new(inputs.namespace, environment, cx)?,
            takes_other_namespace: inputs.other_namespace,
            choice,
            is_forced: inputs.force,
            is_rehearsal: inputs.dry_run,
        })
    }
}

impl Source {
    pub(crate) fn of_verify(inputs: Verify, cx: &Context) -> Result<Self, Problem> {
        Self::new(&inputs.from, inputs.digest, inputs.key.as_ref(), inputs.network, cx)
    }

    fn new(
        from: &str,
        digest: Option<String>,
        key: Option<&sluice_core::Secret>,
        network: sluice_http::Options,
        cx: &Context,
    ) -> Result<Self, Problem> {
        let is_digest = |text: &str| {
            text.strip_prefix("sha256:").is_some_and(|hash| {
                hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            })
        };
        if let Some(digest) = digest.as_deref().filter(|digest| !is_digest(digest)) {
            return Err(Problem::misconfigured(format!("\"{digest}\" is no digest"))
                .help("write it as the output `digest` of the export: `sha256:` and 64 hexadecimal digits"));
        }
        Ok(Self {
            from: Address::new(from, cx.folder())?,
            digest,
            key: key.map(Key::new).transpose()?,
            network,
        })
    }
}

impl Target {
    fn new(inputs: Namespace, environment: Option<&Environment>, cx: &Context) -> Result<Self, Problem> {
        let Namespace { environment: _, namespace, cluster, region, kubeconfig, context } = inputs;
        let file = environment.and_then(|environment| environment.cluster.clone());
        let value = |placed: Option<sluice_config::Placed<String>>| placed.map(|placed| placed.value);
        let (eks, file_region, file_namespace) =
            file.map(|file| (value(file.eks), value(file.region), value(file.namespace))).unwrap_or_default();
        if cluster.is_some() && (kubeconfig.is_some() || context.is_some()) {
            return Err(Problem::misconfigured("two clusters are named")
                .why("`cluster` names one of EKS, `kubeconfig` and `context` name another")
                .help("leave one of them out"));
        }
        let by_file = kubeconfig.is_some() || context.is_some();
        let access = match cluster.or(eks).filter(|_| !by_file) {
            Some(name) => Access::Eks { name, region: region_of(region, file_region, cx)? },
            None => {
                Access::Kubeconfig { path: kubeconfig.map(|path: PathBuf| cx.folder().join(path)), context }
            }
        };
        let namespace = namespace.or(file_namespace);
        if let Some(name) = namespace.as_deref().filter(|name| !is_namespace(name)) {
            return Err(Problem::misconfigured(format!("no namespace can be called \"{name}\""))
                .why("a name has at most 63 small letters, digits and dashes"));
        }
        Ok(Self { access, namespace })
    }
}

fn region_of(given: Option<String>, configured: Option<String>, cx: &Context) -> Result<String, Problem> {
    let variable = |name: &str| cx.variable(name).map(str::to_owned);
    given
        .or(configured)
        .or_else(|| variable("AWS_REGION"))
        .or_else(|| variable("AWS_DEFAULT_REGION"))
        .ok_or_else(|| {
            Problem::misconfigured("the region of the EKS cluster is not known")
                .help("give `region`, or name it beside the cluster in the configuration")
        })
}

/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names>
fn is_namespace(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The environment that is named, of the configuration.
fn environment<'a>(inputs: &Namespace, config: &'a File<Config>) -> Result<Option<&'a Environment>, Problem> {
    let Some(name) = &inputs.environment else { return Ok(None) };
    let environments = &config.sections.environments;
    if let Some(environment) = environments.get(name) {
        return Ok(Some(environment));
    }
    let problem =
        Problem::misconfigured(format!("no environment is called \"{name}\"")).at(Place::file(&config.name));
    let known: Vec<&str> = environments.keys().map(String::as_str).collect();
    Err(match nearest(name, known.iter().copied()) {
        Some(meant) => problem.help(format!("did you mean \"{meant}\"?")),
        None if known.is_empty() => problem
            .why("the configuration names no environment")
            .help("name it under `environments`, with its `cluster`; does the job check the repository out?"),
        None => problem.why(format!("there are {}", known.join(", "))),
    })
}

/// Whether a folder can become a backup: it is not there, or empty.
pub(crate) fn check_free(folder: &Path, cx: &Context) -> Result<(), Problem> {
    let taken = |why: String| {
        Problem::misconfigured(format!("the backup can't go to {}", cx.name_of(folder)))
            .why(why)
            .help("name a folder that is not there yet")
    };
    match folder.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(taken(error.to_string())),
        Ok(metadata) if !metadata.is_dir() => Err(taken("it is a file".to_owned())),
        Ok(_) => match folder.read_dir().map(|mut entries| entries.next().is_none()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(taken("it holds files already".to_owned())),
            Err(error) => Err(taken(error.to_string())),
        },
    }
}

#[cfg(test)]
mod tests {
    use sluice_core::{Configuration as _, Secret};

    use super::*;

    const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    fn context() -> Context {
        Context::new([("AWS_REGION", "us-east-1")].into_iter().collect(), "/repository", || {
            jiff::Timestamp::UNIX_EPOCH
        })
    }

    fn config() -> File<Config> {
        let text = "version: 1\nenvironments:\n  production:\n    cluster: {eks: shop, region: eu-west-1, namespace: shop}\n    backup: {to: s3://acme/x/, secrets: true, kinds: [deployments], retention: 30d, s3-encryption: 'aws:kms'}\n  dev: {}\n";
        File::parse(text.as_bytes(), ".github/sluice.yml").unwrap()
    }

    fn named(environment: &str) -> Namespace {
        Namespace { environment: Some(environment.to_owned()), ..Namespace::default() }
    }

    fn export(inputs: Export) -> Result<ExportPlan, Problem> {
        ExportPlan::new(inputs, &config(), &context())
    }

    #[test]
    fn the_configuration_holds_where_no_input_says_otherwise() {
        let key = Some(Secret::new(KEY));
        let plan =
            export(Export { namespace: named("production"), key: key.clone(), ..Export::default() }).unwrap();
        assert_eq!(plan.to, Address::Bucket { bucket: "acme".into(), prefix: "x/".into() });
        assert_eq!(plan.target.access, Access::Eks { name: "shop".into(), region: "eu-west-1".into() });
        assert_eq!(plan.target.namespace.as_deref(), Some("shop"));
        assert_eq!((plan.choice.kinds, plan.choice.secrets), (vec!["deployments".to_owned()], true));
        assert_eq!(
            plan.marks,
            Marks { encryption: Some(Encryption::Kms(None)), retention: Some("30d".into()) }
        );

        let plan = export(Export {
            namespace: Namespace {
                namespace: Some("other".into()),
                context: Some("kind".into()),
                ..named("production")
            },
            to: Some("out".into()),
            kinds: Kinds { kinds: vec!["jobs".into()], ..Kinds::default() },
            secrets: Some(false),
            ..Export::default()
        })
        .unwrap();
        assert_eq!(plan.to, Address::Folder("/repository/out".into()));
        assert_eq!(plan.target.access, Access::Kubeconfig { path: None, context: Some("kind".into()) });
        assert_eq!(plan.target.namespace.as_deref(), Some("other"));
        assert_eq!((plan.choice.kinds, plan.choice.secrets), (vec!["jobs".to_owned()], false));
    }

    #[test]
    fn without_anything_it_is_the_kubeconfig_s_namespace_into_a_folder() {
        let plan = export(Export::default()).unwrap();
        assert_eq!(plan.to, Address::Folder("/repository/backup".into()));
        assert_eq!(
            plan.target,
            Target { access: Access::Kubeconfig { path: None, context: None }, namespace: None }
        );
    }

    #[test]
    fn secrets_take_a_key() {
        for inputs in [
            Export { secrets: Some(true), ..Export::default() },
            Export { kinds: Kinds { kinds: vec!["Secret".into()], ..Kinds::default() }, ..Export::default() },
        ] {
            let problem = export(inputs).err().unwrap();
            assert_eq!(problem.what, "Secrets are to be exported, but there is no `key`");
        }
        let exclude = Kinds { exclude_kinds: vec!["secrets".into()], ..Kinds::default() };
        assert!(export(Export { secrets: Some(true), kinds: exclude, ..Export::default() }).is_ok());
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let what = |inputs: Export| export(inputs).err().unwrap().what;
        let two = Namespace { cluster: Some("a".into()), context: Some("b".into()), ..Namespace::default() };
        assert_eq!(what(Export { namespace: two, ..Export::default() }), "two clusters are named");
        assert_eq!(
            what(Export { retention: Some("30d".parse().unwrap()), ..Export::default() }),
            "`retention` holds for S3 only"
        );
        assert_eq!(
            what(Export {
                to: Some("s3://acme".into()),
                s3_encryption: Some(S3Encryption::Aes256),
                s3_kms_key: Some("alias/x".into()),
                ..Export::default()
            }),
            "`AES256` encrypts with no key of KMS"
        );
        let problem = export(Export { namespace: named("prodction"), ..Export::default() }).err().unwrap();
        assert_eq!(problem.help.as_deref(), Some("did you mean \"production\"?"));
        for name in ["", "Shop", "a/b", "-a", "../x", &"a".repeat(64)] {
            let namespace = Namespace { namespace: Some(name.into()), ..Namespace::default() };
            assert!(what(Export { namespace, ..Export::default() }).starts_with("no namespace"), "{name}");
        }
    }

    #[test]
    fn a_digest_has_64_digits() {
        let plan = |digest: &str| {
            let inputs = Verify { from: "backup".into(), digest: Some(digest.into()), ..Verify::default() };
            Source::of_verify(inputs, &context()).map(drop)
        };
        assert!(plan(&format!("sha256:{}", "a".repeat(64))).is_ok());
        for wrong in ["sha256:abc", "", "x", &"a".repeat(64)] {
            assert!(plan(wrong).is_err(), "{wrong}");
        }
    }
}
