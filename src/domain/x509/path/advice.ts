// What to ask of whoever signs an intermediate, for each rule that one may break: an operator of a mesh is seldom the operator
// of the corporate CA, and has one mail to write.
import type { PathRule } from './path-problem.ts';

const ADVICE: Readonly<Record<PathRule, string>> = {
  ca: 'a certificate of version 3 with basicConstraints CA:TRUE, critical',
  encoding: 'names and extensions as RFC 5280 writes them: UTF8String or PrintableString, key identifiers not critical',
  'extended-key-usage': 'no extendedKeyUsage, or one with serverAuth and clientAuth',
  extensions:
    'no critical extension but basicConstraints, keyUsage, extendedKeyUsage, nameConstraints and those on policies',
  key: 'a key on P-256, P-384 or P-521 by its name, or RSA of 2048 bits or more as rsaEncryption',
  'key-identifier':
    'an authorityKeyIdentifier with the subjectKeyIdentifier of the certificate above, and without its serial',
  'key-usage': 'keyUsage keyCertSign and cRLSign, critical',
  name: 'a subject that is not empty',
  'name-constraints':
    'name constraints that permit the host of the trust domain as URI and the serving names as DNS names, or none',
  'path-length': 'pathlen:0 in the intermediate, and in each CA above it as many as stand below',
  policies: 'certificate policies from top to bottom, or no requireExplicitPolicy',
  signature: 'a signature with SHA-256 or better',
  validity: 'a certificate that is valid now; a renewed one keeps subject and key',
};

/** @returns what to ask for, as what follows "ask the CA for". */
export function adviceOn(rule: PathRule): string {
  return ADVICE[rule];
}
