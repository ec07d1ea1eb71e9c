// Every way Capstan says no, by its stable reason code. The code is what operators search
// for, alert on and read in a proxy's log; the text is safe to show to any caller. One row
// decides the error code, and the error code decides the status at each edge (errors.ts).
//
// Letters: A authentication, C certificate signing request, K key, M other request fields, O operations of operators,
// P policy, Q quantity, R revocation, S state of the server, X our own fault.
import type { ErrorCode } from './errors.ts';

interface ReasonRow {
  readonly code: ErrorCode;
  readonly text: string;
}

const row = (code: ErrorCode, text: string): ReasonRow => ({ code, text });

export const REASONS = {
  'CAP-A01': row('unauthenticated', 'no credential was presented'),
  'CAP-A02': row('unauthenticated', 'the client certificate does not verify'),
  'CAP-A03': row('unauthenticated', 'the client certificate does not carry exactly one SPIFFE ID of this trust domain'),
  'CAP-A04': row('unauthenticated', 'the authorization header is not one bearer token of acceptable size'),
  'CAP-A05': row('unauthenticated', 'the token does not verify'),
  'CAP-A06': row('unauthenticated', 'the token does not name a Kubernetes service account'),
  'CAP-A07': row('impersonation_forbidden', 'impersonation is refused'),
  'CAP-A08': row('unauthenticated', 'the last proof by token or socket behind the client certificate is too old'),
  'CAP-A09': row('unauthenticated', 'the client certificate is not of one of our issuers'),
  'CAP-A10': row('unauthenticated', 'there is no record here of the client certificate'),
  'CAP-A11': row('unauthenticated', 'the pod of the credential is not there any more'),
  'CAP-A12': row('unauthenticated', 'the service account of the credential is not there any more'),
  'CAP-A13': row('unauthenticated', 'the token is bound to no pod'),
  'CAP-A14': row('unauthenticated', 'the cluster that the request names is not known here'),
  'CAP-A15': row('impersonation_forbidden', 'the caller is not a trusted node proxy'),
  'CAP-A16': row('impersonation_forbidden', 'the node proxy is not proven to be a pod of its node'),
  'CAP-A17': row('impersonation_forbidden', 'no pod of the wanted identity runs on the node of the proxy'),

  'CAP-C01': row('malformed_csr', 'the CSR is not exactly one PEM block of type CERTIFICATE REQUEST'),
  'CAP-C02': row('malformed_csr', 'the CSR is not well-formed DER of a PKCS#10 request'),
  'CAP-C03': row('malformed_csr', 'the CSR asks for a name or an extension that Capstan does not issue'),
  'CAP-C04': row('csr_signature_invalid', 'the CSR signature does not verify'),
  'CAP-C05': row('csr_signature_invalid', 'the CSR is not signed with ECDSA or RSA PKCS#1 v1.5 over SHA-2'),
  'CAP-C06': row('identity_mismatch', "the CSR names an identity that is not the caller's"),
  'CAP-K01': row('key_unacceptable', 'the public key is of a type that Capstan does not certify'),
  'CAP-K02': row('key_unacceptable', 'the public key is malformed or weak'),

  'CAP-M01': row('malformed_request', 'the request metadata is malformed'),
  'CAP-M02': row('malformed_request', 'the request is larger than this server accepts'),
  'CAP-M03': row('malformed_request', 'the discovery request is malformed'),
  'CAP-M04': row('unknown_secret', 'no secret of that name is available to the caller'),
  'CAP-M05': row('impersonation_forbidden', 'the requester is not one whose signing requests are served'),
  'CAP-M06': row('malformed_request', 'the signing request asks for what its signer does not give'),

  'CAP-O01': row('policy_denied', 'the caller has no role for this operation'),
  'CAP-O02': row('malformed_request', 'the operation is not one that this server knows'),
  'CAP-O03': row('policy_denied', 'issuer or trust anchors may not be changed so'),
  'CAP-O04': row('policy_denied', 'the operation needs another person'),
  'CAP-O05': row('overloaded', 'too many operations were asked for'),
  'CAP-O06': row('dependency_unavailable', 'nobody can say now whether this was done: look before you ask again'),

  'CAP-P01': row('policy_denied', 'no policy rule allows this identity'),
  'CAP-P02': row('policy_denied', 'policy does not allow this key type for this identity'),
  'CAP-P03': row('policy_denied', 'policy does not allow this SPIFFE ID'),
  'CAP-P04': row('policy_denied', 'policy denies this identity'),
  'CAP-P05': row('policy_denied', 'policy does not allow this lifetime'),
  'CAP-P06': row('policy_denied', 'policy does not allow this DNS name'),
  'CAP-P07': row('policy_denied', 'policy leaves the certificate without a usage that it needs'),
  'CAP-P08': row('policy_denied', 'policy does not allow this issuer'),
  'CAP-P09': row('policy_denied', 'policy does not allow this caller to ask for another'),
  'CAP-P10': row('policy_denied', 'the namespace needs a policy of its own'),
  'CAP-P12': row('policy_denied', 'a policy condition is not met'),

  'CAP-Q01': row('overloaded', 'too many requests are in flight'),
  'CAP-Q02': row('overloaded', 'the stream names too many secrets'),
  'CAP-Q03': row('quota_exceeded', 'the namespace has used up its quota'),
  'CAP-Q04': row('quota_exceeded', 'the identity has used up its quota'),
  'CAP-Q05': row('not_ready', 'the API server may not be asked for more pods of a node just now'),

  'CAP-R01': row('policy_denied', 'the identity, the certificate or the node is revoked'),

  'CAP-S01': row('not_ready', 'no issuer is ready to sign'),
  'CAP-S02': row('not_ready', 'no policy is loaded'),
  'CAP-S03': row('not_ready', 'the server is shutting down'),
  'CAP-S04': row('dependency_unavailable', 'the issuance journal cannot be read or written'),
  'CAP-S05': row('dependency_unavailable', 'the keys of the token issuer could not be fetched'),
  'CAP-S07': row('timed_out', 'the server could not answer in time'),
  'CAP-S08': row('timed_out', 'the stream did not acknowledge in time'),
  'CAP-S09': row('not_ready', 'the stream reached its maximum age; open a new one'),
  'CAP-S10': row('not_ready', 'the view of the cluster has not synced'),
  'CAP-S11': row('not_ready', 'the policy bundle is past its hard expiry'),
  'CAP-S12': row('not_ready', 'a policy that decides on this identity cannot be read'),
  'CAP-S13': row('dependency_unavailable', 'the cluster has not been seen lately enough to know who is still there'),
  'CAP-S14': row('not_ready', 'the issuer may not sign'),
  'CAP-S15': row('dependency_unavailable', 'the signing key of the issuer does not answer'),
  'CAP-S16': row('dependency_unavailable', 'the CA above the issuer did not sign'),

  'CAP-X01': row('certificate_rejected', 'internal error'),
  'CAP-X02': row('cancelled', 'the caller cancelled the request'),
  'CAP-X03': row('config_invalid', 'the configuration is invalid'),
} as const satisfies Record<`CAP-${string}`, ReasonRow>;

/** A stable reason code, such as `CAP-C06`. */
export type Reason = keyof typeof REASONS;
