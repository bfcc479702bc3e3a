//! Answers that are no success: AWS's code and message, and what they amount to.

use std::fmt;

use serde_json::Value;
use sluice_core::Problem;
use sluice_http::{Error, Response, StatusCode};

/// What AWS said instead of success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The answer's status, where it is known.
    pub status: Option<StatusCode>,
    /// AWS's code: `AccessDeniedException`. `None`: the answer is not one of AWS's.
    pub code: Option<String>,
    /// AWS's message, one line.
    pub message: Option<String>,
}

/// What a refusal amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is no such thing.
    NotFound,
    /// The caller may not do this, or no longer.
    Denied {
        /// The IAM action that the caller lacks, where AWS names it: `cloudwatch:GetMetricData`.
        action: Option<String>,
    },
    /// The credentials are wrong or have expired.
    Credentials,
    /// The clock of this machine is off: the signature is of another time than AWS's.
    Clock,
    /// Too many calls: later it may be another answer.
    Throttled,
    /// An object that must be new is there already; after several tries it may be of a try before.
    Exists,
    /// AWS, or what stands between, can't answer now.
    Unavailable,
    /// The call itself is wrong, or anything else.
    Other,
}

/// The longest message that is kept, in characters.
const LONGEST: usize = 300;
/// No error of AWS has a larger body.
const LARGEST: usize = 64 << 10;

/// The answer, if it is a success.
pub fn accept(response: Response) -> Result<Response, Refusal> {
    if response.status.is_success() { Ok(response) } else { Err(Refusal::of(&response)) }
}

/// Whether an outcome may well be another one a little later: as [`sluice_http::is_transient`], and AWS's ways to say
/// that there were too many calls or that something took too long, which come with status 400.
pub fn is_transient(outcome: &Result<Response, Error>) -> bool {
    sluice_http::is_transient(outcome)
        || outcome.as_ref().is_ok_and(|response| {
            response.status.is_client_error()
                && matches!(Refusal::of(response).reason(), Reason::Throttled | Reason::Unavailable)
        })
}

impl Refusal {
    /// Reads the answer of a service: XML of the query protocol or of S3, or JSON.
    pub fn of(response: &Response) -> Self {
        let header = response.header("x-amzn-errortype").map(str::to_owned);
        let body = response.body.get(..LARGEST.min(response.body.len())).unwrap_or_default();
        let (code, message) = std::str::from_utf8(body)
            .ok()
            .and_then(|text| of_json(text).or_else(|| of_xml(text)))
            .unwrap_or_default();
        Self::new(Some(response.status), header.or(code).as_deref(), message.as_deref())
    }

    /// A refusal by its code and message, wherever they were read.
    pub fn new(status: Option<StatusCode>, code: Option<&str>, message: Option<&str>) -> Self {
        Self {
            status,
            code: code.map(bare).filter(|code| !code.is_empty()).map(str::to_owned),
            message: message.map(line).filter(|message| !message.is_empty()),
        }
    }

    /// What it amounts to.
    pub fn reason(&self) -> Reason {
        let code = self.code.as_deref().unwrap_or_default();
        let name = code.strip_suffix("Exception").unwrap_or(code);
        match name {
            "AccessDenied" | "AuthorizationError" | "NotAuthorized" | "UnauthorizedOperation" => {
                return Reason::Denied { action: self.message.as_deref().and_then(action) };
            }
            "ExpiredToken"
            | "IncompleteSignature"
            | "InvalidAccessKeyId"
            | "InvalidClientTokenId"
            | "InvalidIdentityToken"
            | "InvalidSignature"
            | "InvalidToken"
            | "MissingAuthenticationToken"
            | "RequestExpired"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClient" => {
                let skewed = self.message.as_deref().is_some_and(|message| {
                    message.contains("Signature expired") || message.contains("Signature not yet current")
                });
                return if skewed { Reason::Clock } else { Reason::Credentials };
            }
            "RequestTimeTooSkewed" => return Reason::Clock,
            "BandwidthLimitExceeded"
            | "PriorRequestNotComplete"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "SlowDown"
            | "Throttled"
            | "Throttling"
            | "TooManyRequests" => {
                return Reason::Throttled;
            }
            "IDPCommunicationError" | "RequestTimeout" => return Reason::Unavailable,
            "PreconditionFailed" | "ConditionalRequestConflict" => return Reason::Exists,
            "NoSuchBucket" | "NoSuchKey" | "NotFound" => return Reason::NotFound,
            _ if name.ends_with("NotFound") => return Reason::NotFound,
            _ => {}
        }
        // A status without a code may come from what stands between: a 404 of its own says nothing of AWS.
        match self.status.map(|status| status.as_u16()) {
            Some(412) => Reason::Exists,
            Some(429) => Reason::Throttled,
            Some(408 | 500..=599) => Reason::Unavailable,
            _ => Reason::Other,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.code, self.status) {
            (Some(code), _) => f.write_str(code)?,
            (None, Some(status)) => write!(f, "{status}, not in AWS's words")?,
            (None, None) => f.write_str("no reason given")?,
        }
        match &self.message {
            Some(message) => write!(f, ": {message}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for Problem {
    /// Undecided, with what to do: whoever knows what a "not found" means says so instead.
    fn from(refusal: Refusal) -> Self {
        let help = match refusal.reason() {
            Reason::Denied { action: Some(action) } => {
                format!("allow the action {action} to the role that this job assumes")
            }
            Reason::Denied { action: None } => {
                "allow the call to the role that this job assumes, in its IAM policy".to_owned()
            }
            Reason::Credentials => {
                "let a step of aws-actions/configure-aws-credentials run shortly before this one".to_owned()
            }
            Reason::Clock => {
                "set the clock of this machine: it must be within five minutes of AWS's".to_owned()
            }
            Reason::Throttled | Reason::Unavailable => "run again later".to_owned(),
            Reason::NotFound => "check the name, the account and the region".to_owned(),
            Reason::Exists => "choose a name that is not taken".to_owned(),
            Reason::Other if refusal.code.is_none() => {
                "see what answers there: the endpoint, a proxy, a firewall".to_owned()
            }
            Reason::Other => "see what AWS says, and check the names that were given".to_owned(),
        };
        Self::undecided("AWS refused the call").why(refusal).help(help)
    }
}

/// The code in `com.amazonaws.sns#NotFoundException` and in `NotFoundException:http://internal.amazon.com/`.
fn bare(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default().trim();
    if code.len() <= 100 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        code
    } else {
        ""
    }
}

/// The first line of a message, cut. A message about a signature goes on with the headers that it expected, the
/// session's token among them.
fn line(message: &str) -> String {
    let line = message.trim().lines().next().unwrap_or_default().trim();
    if line.chars().count() <= LONGEST {
        return line.to_owned();
    }
    line.chars().take(LONGEST).chain(['…']).collect()
}

/// The action in "User: arn:... is not authorized to perform: sns:Publish on resource: ...".
fn action(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("not authorized to perform")?;
    let action: String = rest
        .trim_start_matches([':', ' '])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '*'))
        .collect();
    let (service, name) = action.split_once(':')?;
    (!service.is_empty() && !name.is_empty()).then_some(action)
}

type CodeAndMessage = (Option<String>, Option<String>);

fn of_json(text: &str) -> Option<CodeAndMessage> {
    let Value::Object(fields) = serde_json::from_str(text).ok()? else { return None };
    let find = |names: &[&str]| names.iter().find_map(|name| fields.get(*name)?.as_str()).map(str::to_owned);
    Some((find(&["__type", "code", "Code"]), find(&["message", "Message", "errorMessage"])))
}

fn of_xml(text: &str) -> Option<CodeAndMessage> {
    let document = roxmltree::Document::parse(text).ok()?;
    let error = document.descendants().find(|node| node.tag_name().name() == "Error")?;
    let find = |name: &str| {
        let child = error.children().find(|child| child.tag_name().name() == name)?;
        child.text().map(str::to_owned)
    };
    Some((find("Code"), find("Message")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Refusal {
        let (code, message) = of_json(text).or_else(|| of_xml(text)).unwrap_or_default();
        Refusal::new(Some(StatusCode::BAD_REQUEST), code.as_deref(), message.as_deref())
    }

    #[test]
    fn all_shapes_are_read() {
        let shapes = [
            r#"<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>NotFound</Code><Message>Topic does not exist</Message></Error><RequestId>1</RequestId></ErrorResponse>"#,
            r#"<?xml version="1.0" encoding="UTF-8"?><Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message><BucketName>shop</BucketName></Error>"#,
            r#"{"__type":"com.amazonaws.events#ResourceNotFoundException","message":"Event bus shop does not exist."}"#,
            r#"{"__type":"AccessDeniedException","Message":"User: arn:aws:sts::1:assumed-role/ci/x is not authorized to perform: cloudwatch:GetMetricData because no identity-based policy allows the cloudwatch:GetMetricData action"}"#,
            r#"{"code":"ThrottlingException:http://internal.amazon.com/","message":null}"#,
        ];
        let told: Vec<_> = shapes
            .iter()
            .map(|text| read(text))
            .map(|refusal| format!("{:?}  {refusal}", refusal.reason()))
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        NotFound  NotFound: Topic does not exist
        NotFound  NoSuchBucket: The specified bucket does not exist
        NotFound  ResourceNotFoundException: Event bus shop does not exist.
        Denied { action: Some("cloudwatch:GetMetricData") }  AccessDeniedException: User: arn:aws:sts::1:assumed-role/ci/x is not authorized to perform: cloudwatch:GetMetricData because no identity-based policy allows the cloudwatch:GetMetricData action
        Throttled  ThrottlingException
        "#);
    }

    #[test]
    fn no_header_of_ours_comes_back_in_a_message() {
        let text = "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>The request signature we calculated does not match.\n\nThe Canonical String for this request should have been\n'POST\n/\nx-amz-security-token:TOKEN'</Message></Error></ErrorResponse>";
        let refusal = read(text);
        assert_eq!(refusal.reason(), Reason::Credentials);
        assert!(!format!("{refusal:?}").contains("TOKEN"));
    }

    #[test]
    fn what_is_not_aws_s_is_no_not_found() {
        for text in ["<html><body>404 Not Found</body></html>", "", "{", "<Error><Code>x", "[]"] {
            let refusal = Refusal { status: Some(StatusCode::NOT_FOUND), ..read(text) };
            assert_eq!(refusal.reason(), Reason::Other, "{text}");
        }
        assert_eq!(
            Refusal { status: Some(StatusCode::BAD_GATEWAY), ..read("") }.to_string(),
            "502 Bad Gateway, not in AWS's words"
        );
    }

    #[test]
    fn a_clock_that_is_off_is_told_from_credentials_that_are_wrong() {
        let reason = |code: &str, message: &str| Refusal::new(None, Some(code), Some(message)).reason();
        let expired = "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z";
        assert_eq!(reason("InvalidSignatureException", "Signature does not match"), Reason::Credentials);
        assert_eq!(reason("InvalidSignatureException", expired), Reason::Clock);
        assert_eq!(reason("SignatureDoesNotMatch", expired), Reason::Clock);
        assert_eq!(reason("RequestTimeTooSkewed", "The difference is too large."), Reason::Clock);
        assert_eq!(
            reason("ExpiredToken", "The security token included in the request is expired"),
            Reason::Credentials
        );
    }

    proptest! {
        #[test]
        fn any_body_is_read_without_a_panic(text in "\\PC{0,80}|<Error>.{0,40}</Error>|\\{\"__type\":.{0,40}\\}") {
            let refusal = read(&text);
            prop_assert!(refusal.code.as_ref().is_none_or(|code| !code.contains(['\n', ' '])));
            prop_assert!(refusal.message.as_ref().is_none_or(|message| !message.contains('\n')));
            let _ = (refusal.reason(), refusal.to_string());
        }
    }
}
