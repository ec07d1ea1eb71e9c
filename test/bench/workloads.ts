// Who asks: the workloads of the benchmark, on both sides of the wire.

export const TRUST_DOMAIN = 'cluster.local';
export const NAMESPACE = 'bench';
export const TOKEN_ISSUER = 'https://tokens.bench.test';
/** Streams share these workloads in turn. */
export const IDENTITIES = 50;

export function serviceAccount(number: number): string {
  return `workload-${number}`;
}

/** SPIFFE ID of workload 0, which names itself in the CSRs. */
export const CALLER_ID = `spiffe://${TRUST_DOMAIN}/ns/${NAMESPACE}/sa/${serviceAccount(0)}`;
