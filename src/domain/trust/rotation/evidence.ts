// What is known of one live workload during an anchor rotation: which anchors its certificates hang on, which trust bundle it
// has, and how strong the evidence for each is. A CSR client has received a bundle and nobody saw it used; a proxy that
// acknowledged one over SDS verifies with it; a leaf that is presented to us proves the use of its anchor.

/**
 * An identity in one pod, or all holders without a pod that share the identity: those cannot be told apart. With a node
 * proxy that holds certificates of others (`relay`), the pod is the proxy's.
 */
export interface WorkloadEvidence {
  /** SPIFFE ID. */
  readonly identity: string;
  /** Id of its cluster, where it is another than the server's own. */
  readonly cluster?: string;
  readonly podUid?: string;
  readonly podName?: string;
  readonly nodeName?: string;
  /** SPIFFE ID of the node proxy that has the certificate. */
  readonly relay?: string;
  /** The newest certificate that is valid now. */
  readonly leaf: LeafEvidence;
  /** Its live certificates, one entry for each anchor that they hang on. */
  readonly live: readonly LiveAnchor[];
  /**
   * The trust bundles that were sent with answers to its CSRs: the newest for a pod, and for holders without a pod those of all answers
   * with a live certificate, newest first, for each may be in use. Absent where one of these answers did not say.
   */
  readonly received?: readonly ReceivedBundle[];
  /** One for each proxy that has asked for the trust bundle over SDS and was seen since its oldest live certificate. */
  readonly streams: readonly StreamEvidence[];
  /** The anchor of the newest certificate that it authenticated to us with. */
  readonly presented?: { readonly trustAnchor: string; readonly timeMs: number };
}

export interface LeafEvidence {
  /** Lower-case hex. */
  readonly serial: string;
  /** `csr`, `sds` and so on, as in the journal. */
  readonly api: string;
  /** Id of the issuer, and its name. */
  readonly issuer: string;
  readonly issuerName?: string;
  /** Hex SHA-256; absent from what was issued before anchors were recorded. */
  readonly trustAnchor?: string;
  readonly issuedMs: number;
  readonly notAfterMs: number;
}

export interface LiveAnchor {
  /** Hex SHA-256; absent as in `LeafEvidence`. */
  readonly trustAnchor?: string;
  readonly latestEndMs: number;
}

export interface ReceivedBundle {
  /** Hex SHA-256. */
  readonly anchors: readonly string[];
  /** Of the newest answer that had it, in ms since the epoch. */
  readonly timeMs: number;
}

export interface StreamEvidence {
  /** Node id, or the connection where it gave none. */
  readonly proxy: string;
  /** Hex SHA-256 of those in the newest bundle that it acknowledged; none before the first. */
  readonly anchors: readonly string[];
  /** When it acknowledged that, or asked first. */
  readonly timeMs: number;
  /** The newest certificate that it acknowledged; absent before the first, and where it asks for none. */
  readonly leaf?: AcknowledgedLeaf;
  /** A bundle that it rejected since, in its own words of at most `MAX_REJECTION` characters. */
  readonly rejected?: { readonly message: string; readonly timeMs: number };
}

/** What was sent and is not acknowledged may not have arrived, or was rejected: the proxy presents the one before it. */
export interface AcknowledgedLeaf {
  /** Hex SHA-256. */
  readonly trustAnchor: string;
  readonly notAfterMs: number;
}

export const MAX_REJECTION = 200;
