//! Profiles: the files that `aws configure` writes.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use sluice_core::Secret;
use sluice_sigv4::Credentials;

use super::{Container, Machine, Role, Source, Surroundings, WebIdentity};
use crate::Error;

type Fields = BTreeMap<String, String>;

/// The profiles of both files, and which of them is meant.
pub(super) struct Profiles {
    all: BTreeMap<String, Fields>,
    meant: String,
    /// Whether someone named it: then it must be there.
    is_named: bool,
}

/// More roles than this are not taken on one by another.
const LONGEST: usize = 8;

/// What makes a profile one that only a person or a program can sign in with.
const SIGN_INS: [(&str, &str); 4] = [
    ("credential_process", "gets its credentials from a program, and none is run here"),
    ("sso_session", "signs a person in, which is not done here"),
    ("sso_start_url", "signs a person in, which is not done here"),
    ("login_session", "signs a person in, which is not done here"),
];

impl Profiles {
    pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let home = variable("HOME").map(PathBuf::from);
        let file = |name: &str, usual: &str| {
            variable(name).map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(".aws").join(usual)))
        };
        let named = variable("AWS_PROFILE");
        let mut profiles = Self {
            all: BTreeMap::new(),
            is_named: named.is_some(),
            meant: named.unwrap_or_else(|| "default".to_owned()),
        };
        if let Some(file) = file("AWS_CONFIG_FILE", "config") {
            profiles.add(&text_of(&file)?, |section| match section.strip_prefix("profile ") {
                Some(name) => Some(name.trim()),
                None => (section == "default").then_some(section),
            });
        }
        // What stands in both files holds as the second has it.
        if let Some(file) = file("AWS_SHARED_CREDENTIALS_FILE", "credentials") {
            profiles.add(&text_of(&file)?, Some);
        }
        Ok(profiles)
    }

    /// Adds the profiles of a file, whose sections have their names by `name_of`.
    fn add<'t>(&mut self, text: &'t str, name_of: impl Fn(&'t str) -> Option<&'t str>) {
        let mut current: Option<&str> = None;
        for line in text.lines() {
            // What is indented belongs to the field above: none of those that are read here has such.
            if line.starts_with([' ', '\t', '#', ';']) {
                continue;
            }
            if let Some(section) = line.trim_end().strip_prefix('[') {
                current = section.split_once(']').and_then(|(name, _)| name_of(name.trim()));
                if let Some(name) = current {
                    self.all.entry(name.to_owned()).or_default();
                }
            } else if let (Some(name), Some((key, value))) = (current, line.split_once('=')) {
                let fields = self.all.entry(name.to_owned()).or_default();
                fields.insert(key.trim().to_ascii_lowercase(), without_comment(value).to_owned());
            }
        }
    }

    pub(super) fn region(&self) -> Option<&str> {
        self.field(&self.meant, "region")
    }

    fn field(&self, profile: &str, key: &str) -> Option<&str> {
        self.all.get(profile)?.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Where the profile that is meant has its credentials; `None` when it says nothing of any: it may be there for its
    /// region alone.
    pub(super) fn source(&self, surroundings: &Surroundings<'_>) -> Result<Option<Source>, Error> {
        if self.is_named && !self.all.contains_key(&self.meant) {
            return Err(self.without_credentials(&self.meant));
        }
        self.source_of(&self.meant, surroundings, LONGEST)
    }

    fn source_of(
        &self,
        profile: &str,
        surroundings: &Surroundings<'_>,
        depth: usize,
    ) -> Result<Option<Source>, Error> {
        let field = |key: &str| self.field(profile, key);
        let Some(arn) = field("role_arn") else { return self.keys(profile) };
        let session = field("role_session_name").map(str::to_owned);
        if field("mfa_serial").is_some() {
            return Err(refused(profile, "asks for a code of a device, which nobody types here"));
        }
        if let Some(token) = field("web_identity_token_file") {
            let (arn, token) = (arn.to_owned(), PathBuf::from(token));
            return Ok(Some(Source::WebIdentity(WebIdentity { arn, token, session })));
        }
        let by = match (field("source_profile"), field("credential_source")) {
            (Some(same), None) if same == profile => self.keys(profile)?,
            (Some(_), None) if depth == 0 => {
                return Err(refused(
                    profile,
                    "takes on a role by another, and that by another, without an end",
                ));
            }
            (Some(other), None) => self.source_of(other, surroundings, depth - 1)?,
            (None, Some("Environment")) => Source::environment(surroundings)?,
            (None, Some("EcsContainer")) => Container::find(surroundings)?.map(Source::Container),
            (None, Some("Ec2InstanceMetadata")) => Machine::find(surroundings)?.map(Source::Machine),
            _ => return Err(refused(profile, "does not say, in one known way, who takes its role on")),
        };
        let by = by.ok_or_else(|| self.without_credentials(field("source_profile").unwrap_or(profile)))?;
        let external_id = field("external_id").map(str::to_owned);
        Ok(Some(Source::Role(Role { arn: arn.to_owned(), session, external_id, by: Box::new(by) })))
    }

    /// The keys that stand in a profile.
    fn keys(&self, profile: &str) -> Result<Option<Source>, Error> {
        let field = |key: &str| self.field(profile, key);
        match (field("aws_access_key_id"), field("aws_secret_access_key")) {
            (Some(id), Some(secret)) => Ok(Some(Source::Keys(Credentials {
                access_key_id: id.to_owned(),
                secret_access_key: Secret::new(secret),
                session_token: field("aws_session_token").map(Secret::new),
            }))),
            (None, None) => match SIGN_INS.iter().find(|(key, _)| field(key).is_some()) {
                Some((_, why)) => Err(refused(profile, why)),
                None => Ok(None),
            },
            _ => Err(refused(profile, "holds one half of a key")),
        }
    }

    fn without_credentials(&self, profile: &str) -> Error {
        if self.all.contains_key(profile) {
            return refused(profile, "holds and names no credentials");
        }
        let known: Vec<&str> = self.all.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        refused(profile, &format!("is not there; there are: {known}"))
    }
}

fn refused(profile: &str, why: &str) -> Error {
    Error::no_credentials(
        format!("the AWS profile {profile:?} {why}"),
        "name another with AWS_PROFILE, or put its credentials into the environment: `eval \"$(aws configure export-credentials --format env)\"`",
    )
}

/// A file that is not there holds nothing.
fn text_of(file: &Path) -> Result<String, Error> {
    match std::fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(|error| {
            Error::no_credentials(
                format!("{} can't be read: {error}", file.display()),
                "let this user read it",
            )
        }),
    }
}

/// A value up to a comment, which begins with a space.
fn without_comment(value: &str) -> &str {
    let end = [" #", " ;", "\t#", "\t;"].iter().filter_map(|mark| value.find(mark)).min();
    value[..end.unwrap_or(value.len())].trim()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONFIG: &str = "\
# of a developer
[default]
region = eu-west-1   # near
output = json

[profile keys]
AWS_ACCESS_KEY_ID = AK
aws_secret_access_key = a#b;c=d
s3 =
  aws_access_key_id = not-this
[profile role]
role_arn = arn:role
source_profile = keys
external_id = 42
[profile of-role]
role_arn = arn:of-role
source_profile = role
[profile token]
role_arn = arn:token
web_identity_token_file = /var/run/token
[profile of-environment]
role_arn = arn:of-environment
credential_source = Environment
[profile circle]
role_arn = arn:circle
source_profile = square
[profile square]
role_arn = arn:square
source_profile = circle
[profile person]
sso_session = acme
[profile program]
credential_process = /opt/get
[profile code]
role_arn = arn:code
source_profile = keys
mfa_serial = arn:mfa
[profile half]
aws_access_key_id = AK
[profile of-nobody]
role_arn = arn:of-nobody
source_profile = nobody
[sso-session acme]
sso_start_url = https://acme.awsapps.com/start
";

    fn told(profile: &str, config: &str, credentials: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("config"), config).unwrap();
        std::fs::write(path("credentials"), credentials).unwrap();
        let lookup = |name: &str| match name {
            "AWS_CONFIG_FILE" => Some(path("config")),
            "AWS_SHARED_CREDENTIALS_FILE" => Some(path("credentials")),
            "AWS_PROFILE" => Some(profile.to_owned()),
            "AWS_EC2_METADATA_DISABLED" => Some("true".to_owned()),
            _ => None,
        };
        let surroundings = Surroundings::read(&lookup).unwrap();
        match Source::find(&surroundings) {
            Ok(source) => of(&source),
            Err(error) => error.to_string().replace("no AWS credentials: ", "! "),
        }
    }

    fn of(source: &Source) -> String {
        match source {
            Source::Keys(keys) => format!("{} {}", keys.access_key_id, keys.secret_access_key.expose()),
            Source::Role(role) => {
                format!("{} ({}) by {}", role.arn, role.external_id.as_deref().unwrap_or("-"), of(&role.by))
            }
            Source::WebIdentity(role) => format!("{} for {}", role.arn, role.token.display()),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_profile_says_where_its_credentials_are() {
        let names = [
            "keys",
            "role",
            "of-role",
            "token",
            "of-environment",
            "circle",
            "person",
            "program",
            "code",
            "half",
            "of-nobody",
            "nobody",
            "default",
        ];
        let told: Vec<String> =
            names.iter().map(|name| format!("{name}: {}", told(name, CONFIG, ""))).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        keys: AK a#b;c=d
        role: arn:role (42) by AK a#b;c=d
        of-role: arn:of-role (-) by arn:role (42) by AK a#b;c=d
        token: arn:token for /var/run/token
        of-environment: ! the AWS profile "of-environment" holds and names no credentials
        circle: ! the AWS profile "circle" takes on a role by another, and that by another, without an end
        person: ! the AWS profile "person" signs a person in, which is not done here
        program: ! the AWS profile "program" gets its credentials from a program, and none is run here
        code: ! the AWS profile "code" asks for a code of a device, which nobody types here
        half: ! the AWS profile "half" holds one half of a key
        of-nobody: ! the AWS profile "nobody" is not there; there are: circle, code, default, half, keys, of-environment, of-nobody, of-role, person, program, role, square, token
        nobody: ! the AWS profile "nobody" is not there; there are: circle, code, default, half, keys, of-environment, of-nobody, of-role, person, program, role, square, token
        default: Nowhere
        "#);
    }

    #[test]
    fn the_file_of_credentials_comes_first() {
        let credentials = "[keys]\naws_access_key_id=OTHER\naws_secret_access_key=secret\n";
        assert_eq!(told("keys", CONFIG, credentials), "OTHER secret");
        assert!(told("profile keys", CONFIG, credentials).contains("is not there"));
    }

    #[test]
    fn the_region_is_that_of_the_profile() {
        let mut profiles = Profiles { all: BTreeMap::new(), meant: "default".to_owned(), is_named: false };
        profiles.add(CONFIG, |section| (section == "default").then_some(section));
        assert_eq!(profiles.region(), Some("eu-west-1"));
    }

    proptest! {
        #[test]
        fn any_file_is_read_without_a_panic(text in "(\\[?(profile )?[a-z\u{e9} ]{0,5}\\]?[=#; \n\t]{0,3}){0,20}") {
            let mut profiles = Profiles { all: BTreeMap::new(), meant: "default".to_owned(), is_named: false };
            profiles.add(&text, Some);
            let _ = profiles.region();
        }
    }
}
