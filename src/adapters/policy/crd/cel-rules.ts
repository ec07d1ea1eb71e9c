// Rules between fields of a policy, for the API server: what `superRefine` says to the parser, in CEL. By the path of the
// field in the document, with the bounds that keep the cost of each rule known. A CRD sees neither the namespace of an
// object nor a field of two types; what needs those is in the admission policy.

interface CelRule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
}

/** Of the duration `d`, such as `30m`: whole seconds. */
const SECONDS =
  "int(d.substring(0, d.size() - 1)) * {'s': 1, 'm': 60, 'h': 3600, 'd': 86400}[d.substring(d.size() - 1)]";

/** Ten digits and a unit are 300 years; longer numbers overflow. */
const DURATION = { maxLength: 11 };

const TTL = 'spec.narrow.ttl';

export const CEL_RULES: Readonly<Record<string, object>> = {
  [TTL]: rules(
    inOrder('min', 'max', { message: 'is longer than max', fieldPath: '.min' }),
    inOrder('min', 'default', { message: 'is not between min and max', fieldPath: '.default' }),
    inOrder('default', 'max', { message: 'is not between min and max', fieldPath: '.default' }),
  ),
  [`${TTL}.min`]: DURATION,
  [`${TTL}.max`]: DURATION,
  [`${TTL}.default`]: DURATION,
  'spec.narrow.keys': {
    // Each of the four types once.
    maxItems: 4,
    ...rules(
      {
        rule: "['ec-p256', 'ec-p384', 'ed25519', 'rsa'].all(t, self.filter(k, k.startsWith(t)).size() <= 1)",
        message: 'names a type of key a second time',
      },
      {
        rule: "self.all(k, !k.startsWith('rsa>=') || (int(k.substring(5)) >= 2048 && int(k.substring(5)) <= 16384))",
        message: 'must ask for 2048 to 16384 bits',
      },
    ),
  },
  'spec.narrow.keys[]': { maxLength: 10 },
  'spec.conditions': { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['id'] },
  'spec.conditions[].exists': rules({
    rule: "!has(self.selectsPod) || !self.selectsPod || !has(self.inNamespace) || self.inNamespace == 'self'",
    message: 'goes with inNamespace: self only, because selectors select in their own namespace',
    fieldPath: '.selectsPod',
  }),
  'spec.conditions[].exists.inNamespace': { maxLength: 63 },
  'spec.conditions[].waitFor': {
    ...DURATION,
    ...rules({ rule: `[self].map(d, ${SECONDS})[0] <= 10`, message: 'must be at most 10s' }),
  },
};

function inOrder(less: string, more: string, problem: Omit<CelRule, 'rule'>): CelRule {
  const [one, other] = [`self.${less}`, `self.${more}`];
  const compared = `[[${one}, ${other}].map(d, ${SECONDS})].all(t, t[0] <= t[1])`;
  return { rule: `!has(${one}) || !has(${other}) || ${compared}`, ...problem };
}

function rules(...all: readonly CelRule[]): object {
  return { 'x-kubernetes-validations': all };
}
