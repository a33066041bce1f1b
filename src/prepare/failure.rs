//! Why a step failed, and what onset ends with.

use super::identity::Refusal;
use super::steps::StepError;
use crate::exit;
use crate::handoff::StartFailure;

/// Why a step failed. Boxed wherever it is passed on: results with it are as small as a pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The whole cause, as the end of a sentence.
    pub cause: String,
    /// What onset ends with, unless the step's failure is a warning.
    pub status: u8,
    /// Whether nothing may go on after that, whatever the step says of failures.
    pub is_final: bool,
    /// Whether it may help to try again.
    pub may_pass: bool,
}

impl Failure {
    /// A failure of onset's own.
    pub fn refused(cause: String) -> Box<Self> {
        Failure::new(exit::REFUSED, cause)
    }

    /// A failure with this status.
    pub fn new(status: u8, cause: String) -> Box<Self> {
        Box::new(Failure { cause, status, is_final: false, may_pass: false })
    }
}

impl From<Box<StartFailure>> for Box<Failure> {
    fn from(failure: Box<StartFailure>) -> Self {
        Failure::new(failure.status, failure.cause)
    }
}

impl From<StepError> for Box<Failure> {
    fn from(error: StepError) -> Self {
        Failure::refused(error.to_string())
    }
}

impl From<Refusal> for Box<Failure> {
    fn from(refusal: Refusal) -> Self {
        let mut failure = Failure::refused(refusal.to_string());
        failure.is_final = refusal.is_stranded();
        failure
    }
}
