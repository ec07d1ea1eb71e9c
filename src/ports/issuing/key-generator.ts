// Makes the key pairs of workloads that are served over SDS. They live in memory only.

export type GeneratedKeyType = 'ec-p256' | 'ec-p384';

export interface GeneratedKey {
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /** PEM PKCS#8, unencrypted; goes to the workload and nowhere else. */
  readonly privateKeyPem: string;
}

export interface KeyGenerator {
  generate(keyType: GeneratedKeyType): Promise<GeneratedKey>;
}
