// The tightest policy of a namespace that would have passed everything it was given: what was seen is what
// is allowed. Quotas and conditions are left to people: the past does not say what they are for.
import { KEY_TYPES, type KeyType } from '../bounds.ts';
import { compareText } from '../../text/compare-text.ts';

/** A certificate that was issued, as far as a policy can limit it. */
export interface ObservedCertificate {
  readonly trustDomain: string;
  readonly serviceAccount: string;
  readonly key: { readonly type: string; readonly bits: number };
  /** From its decision to its end. */
  readonly lifetimeMs: number;
  readonly dnsNames: readonly string[];
  /** `namespace/serviceAccount` of a relay. */
  readonly actor?: string;
  readonly issuer: string;
}

/** An IssuancePolicy as it is written. Fields that would say nothing are absent. */
export interface SuggestedPolicy {
  readonly apiVersion: 'capstan.dev/v1alpha1';
  readonly kind: 'IssuancePolicy';
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: { readonly narrow: Readonly<Record<string, unknown>> };
}

/** Names that a list of a policy can hold; more than that is no limit that anybody would read. */
const MAX_NAMES = 1_000;
const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
];

/** Names that were seen, until there are too many to list. */
class SeenNames {
  readonly #names = new Set<string>();

  add(name: string): void {
    if (this.#names.size <= MAX_NAMES) this.#names.add(name);
  }

  /** Nothing when there are too many. */
  get list(): readonly string[] | undefined {
    return this.#names.size > MAX_NAMES ? undefined : [...this.#names].sort(compareText);
  }
}

export class NamespaceObservations {
  readonly #namespace: string;
  readonly #trustDomains = new SeenNames();
  readonly #serviceAccounts = new SeenNames();
  readonly #dnsNames = new SeenNames();
  readonly #actors = new SeenNames();
  readonly #issuers = new SeenNames();
  /** The least bits of each type. */
  readonly #keys = new Map<string, number>();
  #longestMs = 0;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  add(certificate: ObservedCertificate): void {
    const { key, actor, dnsNames } = certificate;
    this.#trustDomains.add(certificate.trustDomain);
    this.#serviceAccounts.add(certificate.serviceAccount);
    this.#issuers.add(certificate.issuer);
    for (const name of dnsNames) this.#dnsNames.add(name);
    if (actor !== undefined) this.#actors.add(actor);
    this.#keys.set(key.type, Math.min(key.bits, this.#keys.get(key.type) ?? key.bits));
    this.#longestMs = Math.max(this.#longestMs, certificate.lifetimeMs);
  }

  /** @returns nothing when nothing was issued: nobody wants a policy that allows nothing. */
  suggest(name: string): SuggestedPolicy | undefined {
    const keys = this.#keyList();
    if (keys.length === 0) return undefined;
    const dnsNames = this.#dnsNames.list;
    const issuers = this.#issuers.list;
    return {
      apiVersion: 'capstan.dev/v1alpha1',
      kind: 'IssuancePolicy',
      metadata: { name, namespace: this.#namespace },
      spec: {
        narrow: present({
          trustDomains: this.#trustDomains.list,
          serviceAccounts: this.#serviceAccounts.list,
          dnsNames: dnsNames?.length === 0 ? 'none' : dnsNames,
          ttl: { max: durationUpTo(this.#longestMs) },
          keys,
          impersonators: this.#actors.list,
          // The field names one issuer.
          issuer: issuers?.length === 1 ? issuers[0] : undefined,
        }),
      },
    };
  }

  #keyList(): readonly string[] {
    return KEY_TYPES.flatMap((type: KeyType) => {
      const bits = this.#keys.get(type);
      return bits === undefined ? [] : [bits === 0 ? type : `${type}>=${bits}`];
    });
  }
}

/** @returns a duration as policies write it, of whole minutes, no shorter than `ms`. */
export function durationUpTo(ms: number): string {
  const minutesMs = Math.max(1, Math.ceil(ms / 60_000)) * 60_000;
  const [unit, size] = UNITS.find(([, unitMs]) => minutesMs % unitMs === 0) ?? ['m', 60_000];
  return `${minutesMs / size}${unit}`;
}

function present(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
