//! Why a step failed, and what onset ends with.

use super::identity::Refusal;
use super::steps::StepError;
use crate::exit;
use crate::handoff::StartFailure;

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The whole cause, as the end of a sentence.
    pub cause: String,
    /// What onset ends with, unless the step's failure is a warning.
    pub status: u8,
    /// Whether nothing may go on after that, whatever the step says of failures.
    pub is_final: bool,
}

impl Failure {
    /// A failure of onset's own.
    pub fn refused(cause: String) -> Self {
        Failure { cause, status: exit::REFUSED, is_final: false }
    }
}

impl From<StartFailure> for Failure {
    fn from(StartFailure { status, cause, problems: _, error: _ }: StartFailure) -> Self {
        Failure { cause, status, is_final: false }
    }
}

impl From<StepError> for Failure {
    fn from(error: StepError) -> Self {
        Failure::refused(error.to_string())
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Failure { is_final: refusal.is_stranded(), ..Failure::refused(refusal.to_string()) }
    }
}
