// Status is a retry contract. Istio's CA client retries CANCELLED, DEADLINE_EXCEEDED,
// RESOURCE_EXHAUSTED, ABORTED, INTERNAL and UNAVAILABLE, five times from 100 ms; ztunnel and Envoy
// back off on anything. So a refusal never leaves as INTERNAL, "not yet" and "not in time" leave as
// UNAVAILABLE (never DEADLINE_EXCEEDED, which that client takes for its own), and the text is what an
// operator reads in the proxy's log: reason code, safe words, decision id.
import { Metadata, status, type StatusObject } from '@grpc/grpc-js';
import { AuthorityError, type ErrorCode } from '../../domain/errors.ts';
import { REASONS } from '../../domain/reasons.ts';
import type { Events } from '../../ports/platform/events.ts';

const STATUS: Readonly<Record<ErrorCode, status>> = {
  unauthenticated: status.UNAUTHENTICATED,
  identity_mismatch: status.PERMISSION_DENIED,
  // What istiod answers, so that existing runbooks still fit.
  impersonation_forbidden: status.UNAUTHENTICATED,
  policy_denied: status.PERMISSION_DENIED,
  malformed_request: status.INVALID_ARGUMENT,
  malformed_csr: status.INVALID_ARGUMENT,
  csr_signature_invalid: status.INVALID_ARGUMENT,
  key_unacceptable: status.INVALID_ARGUMENT,
  unknown_secret: status.NOT_FOUND,
  overloaded: status.RESOURCE_EXHAUSTED,
  // Not RESOURCE_EXHAUSTED, which that client repeats five times a try: measured in decision 0023.
  quota_exceeded: status.FAILED_PRECONDITION,
  not_ready: status.UNAVAILABLE,
  dependency_unavailable: status.UNAVAILABLE,
  timed_out: status.UNAVAILABLE,
  cancelled: status.CANCELLED,
  certificate_rejected: status.INTERNAL,
  config_invalid: status.INTERNAL,
};

/** Our own faults: the caller learns that they happened and where to find them, nothing else. */
const OWN_FAULTS: ReadonlySet<ErrorCode> = new Set(['certificate_rejected', 'config_invalid']);

/** Milliseconds to wait, in words that grpc-js and grpc-go retry policies understand. */
const RETRY_HEADER = 'grpc-retry-pushback-ms';

/**
 * The status that the caller gets. Any error that is not an AuthorityError is a bug: it is reported to
 * `events` here, once, and leaves as a fixed text.
 * @param facts.where names the service, for the report.
 */
export function toServiceError(
  error: unknown,
  { events, where }: { readonly events: Pick<Events, 'unexpected'>; readonly where: string },
): StatusObject {
  const metadata = new Metadata();
  if (!(error instanceof AuthorityError)) {
    events.unexpected({ where, cause: error });
    return { code: status.INTERNAL, details: 'CAP-X00 internal error', metadata };
  }
  if (error.retryAfterMs !== undefined) metadata.set(RETRY_HEADER, String(error.retryAfterMs));
  return { code: STATUS[error.code], details: safeLine(error), metadata };
}

/** Who asks for others learns nothing of them, as with istiod: the reason in full is in the record that the id names. */
function opaque({ code, message }: AuthorityError): string {
  return code === 'impersonation_forbidden' ? `CAP-A07 ${REASONS['CAP-A07'].text}` : message;
}

function safeLine(error: AuthorityError): string {
  const text = OWN_FAULTS.has(error.code) ? `${error.reason} internal error` : opaque(error);
  return error.decisionId === undefined ? text : `${text} id=${error.decisionId}`;
}
