// The one error type of Capstan. The floors below the edges know no gRPC and no exit code:
// each edge maps the closed set of codes with an exhaustive table of its own.
import { REASONS, type Reason } from './reasons.ts';

/** The closed set of ways a request can end without a certificate. */
export type ErrorCode =
  | 'unauthenticated'
  | 'identity_mismatch'
  | 'impersonation_forbidden'
  | 'policy_denied'
  | 'malformed_request'
  | 'malformed_csr'
  | 'csr_signature_invalid'
  | 'key_unacceptable'
  | 'unknown_secret'
  | 'overloaded'
  | 'quota_exceeded'
  | 'not_ready'
  | 'dependency_unavailable'
  | 'timed_out'
  | 'cancelled'
  | 'certificate_rejected'
  | 'config_invalid';

/** One thing that was wrong: where, what was found and what would have passed. */
export interface Violation {
  readonly path: string;
  readonly actual: string;
  readonly allowed: string;
}

export interface AuthorityErrorOptions {
  /** Which field, and what would be right. Safe for the caller: never key, token or CSR bytes. */
  readonly detail?: string;
  readonly violations?: readonly Violation[];
  readonly retryAfterMs?: number;
  /** Policy says no, and the world may change so that it says yes to the same request. */
  readonly mayPassLater?: boolean;
  /** The decision that this refusal is, once it has been recorded. */
  readonly decisionId?: string;
  /** Private; logged once, at the edge. */
  readonly cause?: unknown;
}

/**
 * A refusal or failure with a stable reason. `message` is one safe line:
 * reason code, its fixed text, and the detail.
 */
export class AuthorityError extends Error {
  readonly reason: Reason;
  readonly code: ErrorCode;
  readonly violations: readonly Violation[];
  readonly retryAfterMs: number | undefined;
  readonly decisionId: string | undefined;
  readonly mayPassLater: boolean;
  readonly #detail: string | undefined;

  constructor(reason: Reason, options: AuthorityErrorOptions = {}) {
    const { code, text } = REASONS[reason];
    const line = options.detail === undefined ? text : `${text}: ${options.detail}`;
    super(`${reason} ${oneSafeLine(line)}`, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'AuthorityError';
    this.reason = reason;
    this.code = code;
    this.violations = options.violations ?? [];
    this.retryAfterMs = options.retryAfterMs;
    this.decisionId = options.decisionId;
    this.mayPassLater = options.mayPassLater ?? false;
    this.#detail = options.detail;
  }

  /** What the line says beyond the reason's own words. */
  get detail(): string | undefined {
    return this.#detail;
  }

  /** The same refusal, naming the recorded decision so that the caller can quote it. */
  withDecision(decisionId: string): AuthorityError {
    return new AuthorityError(this.reason, {
      ...(this.#detail === undefined ? {} : { detail: this.#detail }),
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
      violations: this.violations,
      mayPassLater: this.mayPassLater,
      decisionId,
      cause: this.cause,
    });
  }
}

/** @returns what a step throws that is reached only by a mistake of ours. @param what stays private, as the cause. */
export function bug(what: string): AuthorityError {
  return new AuthorityError('CAP-X01', { cause: new Error(what) });
}

/** Longest detail that leaves the process; a status message travels in an HTTP/2 header. */
const MAX_LINE_BYTES = 300;

/** Printable ASCII only, so that caller-chosen text can neither break a log line nor a header. */
function oneSafeLine(text: string): string {
  const printable = text.replace(/[^\x20-\x7e]/g, '?');
  return printable.length <= MAX_LINE_BYTES ? printable : `${printable.slice(0, MAX_LINE_BYTES - 3)}...`;
}
