// A place outside this process where a peer finds its certificate and key, instead of asking for them: istiod reads its own
// from a Secret that is mounted into its pod.

export interface PlacedCertificate {
  /** Leaf, then intermediates. */
  readonly certificateChainPem: string;
  /** PKCS#8. It is in the place and nowhere else. */
  readonly privateKeyPem: string;
  /** The trust anchors that the peer is to verify others by. */
  readonly anchorsPem: string;
}

export interface CertificatePlace {
  /**
   * @returns what is there, whoever put it there; nothing when it is not whole.
   * @throws Error with words for an operator when the place cannot be asked.
   */
  read(options: { readonly signal: AbortSignal }): Promise<PlacedCertificate | undefined>;
  /**
   * Takes the place of what was read last.
   * @throws Error with words for an operator when that is another by now, cannot be written, or another writer does not stop.
   */
  write(placed: PlacedCertificate, options: { readonly signal: AbortSignal }): Promise<void>;
}
