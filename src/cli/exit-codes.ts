// What the process says to a script. The numbers are those of sysexits.h, but for the checks (`policy`,
// `drift`, `doctor`, `rogue`), which answer as linters do: 0, 1 and 2. The record is exhaustive: a new error code does not
// compile until it has an answer here.
import { AuthorityError, type ErrorCode } from '../domain/errors.ts';
import { REASONS, type Reason } from '../domain/reasons.ts';

export const EXIT = {
  ok: 0,
  /** A check found something. */
  findings: 1,
  /** A check could not run: its command line or its input is wrong. */
  unreadable: 2,
  /** The command line itself is wrong. */
  usage: 64,
  /** What was handed in is wrong, and will be tomorrow. */
  data: 65,
  /** A file that was named cannot be read. */
  noInput: 66,
  /** Not there now; ask again later. */
  unavailable: 69,
  /** Our own fault. */
  software: 70,
  /** A file cannot be written. */
  cannotCreate: 73,
  /** Not in time, or too many at once; trying again may help. */
  temporary: 75,
  /** Judged and refused. */
  refused: 77,
  config: 78,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const OF_ERROR: Readonly<Record<ErrorCode, ExitCode>> = {
  unauthenticated: EXIT.refused,
  identity_mismatch: EXIT.refused,
  impersonation_forbidden: EXIT.refused,
  policy_denied: EXIT.refused,
  malformed_request: EXIT.data,
  malformed_csr: EXIT.data,
  csr_signature_invalid: EXIT.data,
  key_unacceptable: EXIT.data,
  unknown_secret: EXIT.data,
  overloaded: EXIT.temporary,
  quota_exceeded: EXIT.temporary,
  not_ready: EXIT.unavailable,
  dependency_unavailable: EXIT.unavailable,
  timed_out: EXIT.temporary,
  cancelled: EXIT.temporary,
  certificate_rejected: EXIT.software,
  config_invalid: EXIT.config,
};

/** For answers of a server that gives no reason code of ours. Names as gRPC spells them. */
const OF_STATUS: Readonly<Record<string, ExitCode>> = {
  UNAUTHENTICATED: EXIT.refused,
  FAILED_PRECONDITION: EXIT.refused,
  PERMISSION_DENIED: EXIT.refused,
  INVALID_ARGUMENT: EXIT.data,
  NOT_FOUND: EXIT.data,
  UNIMPLEMENTED: EXIT.data,
  RESOURCE_EXHAUSTED: EXIT.temporary,
  DEADLINE_EXCEEDED: EXIT.temporary,
  CANCELLED: EXIT.temporary,
  UNAVAILABLE: EXIT.unavailable,
};

/** A command that cannot go on for a reason of its own, not of the CA's. The message is one line. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

/** Whatever is neither kind of error is a bug. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommandError) return error.exitCode;
  return error instanceof AuthorityError ? OF_ERROR[error.code] : EXIT.software;
}

/** @param message the server's line: it begins with our reason code when the server is Capstan. */
export function exitCodeOfRefusal({
  status,
  message,
}: {
  readonly status: string;
  readonly message: string;
}): ExitCode {
  const reason = /^CAP-[A-Z]\d\d/.exec(message)?.[0];
  if (reason !== undefined && Object.hasOwn(REASONS, reason)) return OF_ERROR[REASONS[reason as Reason].code];
  return OF_STATUS[status] ?? EXIT.software;
}
