// One thing that is often set up wrong: how it is called, what is said when it is, and what mends it.
import type { Severity } from '../findings.ts';
import type { Seen } from '../../adapters/kubernetes/diagnosis/installation.ts';
import type { CapstanSettings, DoctorFacts } from './facts.ts';

export interface Problem {
  /** What it is about: an object, a key. */
  readonly subject: string;
  readonly wrong: string;
  /** What to change or run; ends the sentence. */
  readonly fix: string;
  /** `error` unless said otherwise. */
  readonly severity?: Severity;
}

/** What a check could not look at, and why. */
export interface NotSeen {
  readonly notSeen: string;
}

export type Judged = readonly (Problem | NotSeen)[];

export interface Check {
  /** Part of the finding's id, `doctor/<id>`. */
  readonly id: string;
  /** What goes wrong when it finds something, for the list of checks. */
  readonly consequence: string;
  readonly judge: (facts: DoctorFacts) => Judged;
}

/** Judges what was seen; says why when it was not. */
export function ifSeen<T>(seen: Seen<T>, judge: (known: T) => readonly Problem[]): Judged {
  return 'known' in seen ? judge(seen.known) : [{ notSeen: seen.unknown }];
}

/** As `ifSeen`, for a check that needs two. */
export function ifBothSeen<A, B>(a: Seen<A>, b: Seen<B>, judge: (a: A, b: B) => readonly Problem[]): Judged {
  const missing = [a, b].flatMap((seen) => ('unknown' in seen ? [{ notSeen: seen.unknown }] : []));
  return 'known' in a && 'known' in b ? judge(a.known, b.known) : missing;
}

/** Whether a host that somebody dials is Capstan: one of its names, or its Service. */
export function isCapstan(host: string, { dnsNames, name, namespace }: CapstanSettings): boolean {
  const [service, space, suffix = 'svc'] = host.split('.');
  return dnsNames.includes(host) || (service === name && space === namespace && suffix === 'svc');
}
