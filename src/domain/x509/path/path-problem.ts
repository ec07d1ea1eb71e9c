// What is wrong with a certificate of a path, or weak, as values: which rule it breaks, and in words.
import type { PathCertificate } from './certificate.ts';

/** Issuing certificate first, trust anchor last. */
export type Path = readonly [PathCertificate, ...PathCertificate[]];

/** What about a certificate is wrong, or weak. */
export type PathRule =
  | 'ca'
  | 'encoding'
  | 'extended-key-usage'
  | 'extensions'
  | 'key'
  | 'key-identifier'
  | 'key-usage'
  | 'name'
  | 'name-constraints'
  | 'path-length'
  | 'policies'
  | 'signature'
  | 'validity';

/** One thing that is wrong with a certificate. */
export interface Saying {
  readonly rule: PathRule;
  /** What follows the certificate's name. */
  readonly says: string;
}

export interface PathProblem extends Saying {
  readonly certificate: PathCertificate;
}

export function inSentence({ certificate, says }: PathProblem): string {
  return `certificate ${certificate.subject} ${says}`;
}

/** @returns what is said, if anything is. */
export function sayings(rule: PathRule, says: string | undefined): readonly Saying[] {
  return says === undefined ? [] : [{ rule, says }];
}

/** @returns what is said of what is wrong. */
export function sayingIf(isWrong: boolean, rule: PathRule, says: string): readonly Saying[] {
  return isWrong ? [{ rule, says }] : [];
}
