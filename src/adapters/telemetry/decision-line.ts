// The log line of a decision: the journal's record in the journal's words, and for a refusal the
// private part that goes nowhere else.
import { AuthorityError, type ErrorCode, type Violation } from '../../domain/errors.ts';
import { REASONS } from '../../domain/reasons.ts';
import type { DecisionRecord, PolicyTrace, RefusedRecord } from '../../ports/storage/issuance-journal.ts';
import { describeCause, type DescribedCause } from './describe-cause.ts';
import type { LogLevel } from './logger.ts';

/** Who has to look: nobody (info), the owner of the workload (warn), the operator of the CA (error). */
const LEVEL_OF: Readonly<Record<ErrorCode, LogLevel>> = {
  cancelled: 'info',
  unauthenticated: 'warn',
  identity_mismatch: 'warn',
  impersonation_forbidden: 'warn',
  policy_denied: 'warn',
  malformed_request: 'warn',
  malformed_csr: 'warn',
  csr_signature_invalid: 'warn',
  key_unacceptable: 'warn',
  unknown_secret: 'warn',
  overloaded: 'warn',
  quota_exceeded: 'warn',
  not_ready: 'warn',
  timed_out: 'error',
  dependency_unavailable: 'error',
  certificate_rejected: 'error',
  config_invalid: 'error',
};

/** Most violations one line carries. */
const MAX_VIOLATIONS = 20;

export function decisionLevel(record: DecisionRecord): LogLevel {
  return record.outcome === 'issued' ? 'info' : LEVEL_OF[REASONS[record.reason].code];
}

export function decisionLine(record: DecisionRecord, durationMs: number, cause: unknown): object {
  const { policy, ...rest } = record;
  const facts = { event: 'decided', ...rest, ...(policy && { policy: notable(policy) }), durationMs };
  return record.outcome === 'issued' ? facts : { ...facts, ...refusalFacts(record, cause) };
}

/** What an operator looks for in the log; the journal has the whole trace. */
function notable({ class: issuanceClass, bundle, failures, audits, waived }: PolicyTrace): object {
  return {
    class: issuanceClass,
    bundle,
    ...(failures && { failures: failures.slice(0, MAX_VIOLATIONS) }),
    ...(audits && { audits: audits.slice(0, MAX_VIOLATIONS) }),
    ...(waived && { waived: waived.slice(0, MAX_VIOLATIONS) }),
  };
}

interface RefusalFacts {
  readonly code: ErrorCode;
  readonly violations?: readonly Violation[];
  readonly cause?: DescribedCause;
}

/** The refusal itself says nothing that the record does not; what lies behind it does. */
function refusalFacts(record: RefusedRecord, thrown: unknown): RefusalFacts {
  const violations = thrown instanceof AuthorityError ? thrown.violations : [];
  const cause = thrown instanceof AuthorityError ? thrown.cause : thrown;
  return {
    code: REASONS[record.reason].code,
    ...(violations.length === 0 ? {} : { violations: violations.slice(0, MAX_VIOLATIONS) }),
    ...(cause === undefined ? {} : { cause: describeCause(cause) }),
  };
}
