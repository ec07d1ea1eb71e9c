// When a certificate is expected to be renewed. Istio's agent and ztunnel renew at half of its life, and so does this CA with
// what it has for itself; over SDS this CA renews for the proxy, at a share of its own. Of what is left then, one that has not come
// after half is late: with a certificate of an hour a quarter of an hour before its end, in which somebody can look.

export interface RenewalHabits {
  /** Share of its life after which a certificate is renewed over SDS. */
  readonly sdsRenewAt: number;
}

export interface IssuedFor {
  /** As in the journal. */
  readonly api: string;
  readonly issuedMs: number;
  readonly notAfterMs: number;
}

const CLIENTS_RENEW_AT = 1 / 2;

/** @returns when the renewal is expected, and from when on it is overdue; both in ms since the epoch. */
export function renewalOf(
  { api, issuedMs, notAfterMs }: IssuedFor,
  { sdsRenewAt }: RenewalHabits,
): { readonly renewalMs: number; readonly overdueMs: number } {
  const share = api === 'sds' ? sdsRenewAt : CLIENTS_RENEW_AT;
  const renewalMs = Math.floor(issuedMs + (notAfterMs - issuedMs) * share);
  return { renewalMs, overdueMs: Math.floor(renewalMs + (notAfterMs - renewalMs) / 2) };
}
