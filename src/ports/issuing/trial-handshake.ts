// Two ends that shake hands by mutual TLS in this process, each verifying the other as a peer of the mesh would.

export interface TrialEnd {
  /** Leaf, then intermediates. */
  readonly certificateChainPem: string;
  readonly privateKeyPem: string;
}

export interface TrialHandshake {
  /**
   * @param ends both verify the other by these anchors. Validity in time is not judged: the machine's own clock
   *   would decide it, and Capstan's is the one that counts.
   * @param options.partialChain whether an anchor that is not self-signed ends a path.
   * @returns why one end refuses the other, in words; nothing when both accept.
   */
  shake(
    ends: { readonly server: TrialEnd; readonly client: TrialEnd; readonly anchorsPem: string },
    options: { readonly partialChain: boolean; readonly signal: AbortSignal },
  ): Promise<string | undefined>;
}
