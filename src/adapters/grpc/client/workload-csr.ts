// A key pair and a CSR as Istio's agent makes them: no subject, and one URI that is the identity.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

export type WorkloadKeyType = 'ec-p256' | 'ec-p384' | 'rsa-2048';

export interface WorkloadCsr {
  /** PKCS#8, unencrypted. */
  readonly privateKeyPem: string;
  readonly csrPem: string;
}

const ALGORITHMS = {
  'ec-p256': { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  'ec-p384': { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  'rsa-2048': {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength: 2048,
    publicExponent: Uint8Array.of(1, 0, 1),
    hash: 'SHA-256',
  },
} as const;

export const WORKLOAD_KEY_TYPES = Object.keys(ALGORITHMS) as readonly WorkloadKeyType[];

/** @param identityUri the SPIFFE ID to ask for. */
export async function makeWorkloadCsr(identityUri: string, keyType: WorkloadKeyType): Promise<WorkloadCsr> {
  const signingAlgorithm = ALGORITHMS[keyType];
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'url', value: identityUri }], true)],
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    privateKeyPem: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
    csrPem: `${csr.toString('pem')}\n`,
  };
}
