// How a refusal is answered through an object: for good, by a condition, or by trying again, for which the object waits. The
// kubelet takes a condition for the pod's whole life, also that of a renewal, so nothing that may pass later is one.
import type { AuthorityError, ErrorCode } from '../../../domain/errors.ts';

/** `later`: nothing was denied; tried again. Otherwise the reason of the condition. */
const ANSWERS: Readonly<Record<ErrorCode, string>> = {
  unauthenticated: 'NotAuthenticated',
  identity_mismatch: 'IdentityMismatch',
  impersonation_forbidden: 'ImpersonationForbidden',
  policy_denied: 'PolicyDenied',
  malformed_request: 'InvalidRequest',
  malformed_csr: 'InvalidRequest',
  csr_signature_invalid: 'InvalidRequest',
  // The word of the API itself (PodCertificateRequest, well-known reasons).
  key_unacceptable: 'UnsupportedKeyType',
  unknown_secret: 'InvalidRequest',
  overloaded: 'later',
  quota_exceeded: 'later',
  not_ready: 'later',
  dependency_unavailable: 'later',
  timed_out: 'later',
  cancelled: 'later',
  certificate_rejected: 'InternalError',
  config_invalid: 'InternalError',
};

/** Our own faults: who asked learns that they happened and where to find them, nothing else. */
const OWN_FAULT = 'InternalError';

/** A pod that is not there may be one that a busy API server has not told of yet: some ten seconds in all, with the pauses. */
const TRIES_FOR_ABSENT = 3;

/**
 * @param tries that were made before.
 * @returns whether the same request may be answered otherwise a little later.
 */
export function mayPassLater({ code, mayPassLater: soon }: AuthorityError, tries: number): boolean {
  return soon || ANSWERS[code] === 'later' || (code === 'unauthenticated' && tries < TRIES_FOR_ABSENT);
}

/** @returns reason and message of a condition that refuses for good. */
export function answerTo(error: AuthorityError): { readonly reason: string; readonly message: string } {
  const reason = ANSWERS[error.code];
  return { reason, message: reason === OWN_FAULT ? `${error.reason} internal error` : error.message };
}
