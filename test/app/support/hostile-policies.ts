// What a careless or hostile hand can put where bundles, local policies and manifests are read. Each edit
// comes with what the log must say of it.
import { renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { bundleDocument, BundleSigner } from '../../support/policy/signed-bundle.ts';

/** Stands in whatever is refused, and must never be written down. */
export const CANARY = 'wren-4417';

/** The content of a file; nothing when it goes, a link, or so many bytes that nobody ever wrote. */
export type Content = string | Buffer | undefined | { readonly linkTo: string } | { readonly sparseBytes: number };

/** By path below the folder that holds bundle, policies and manifests. */
export type Files = Readonly<Record<string, Content>>;

export interface HostileEdit {
  readonly what: string;
  readonly files: Files;
  /** What the log says of it: where and why. */
  readonly says: RegExp;
}

type Row<T> = readonly [what: string, content: T, says: RegExp];

export const HOLDERS: readonly [BundleSigner, BundleSigner] = [new BundleSigner(), new BundleSigner()];
const STRANGER = new BundleSigner();
const MIB = 1024 * 1024;
const IN_FORCE = 7;
const BUNDLE = 'bundle/bundle.yaml';
const SIGNATURE = 'bundle/bundle.yaml.sig';
const ODD_POLICY = 'policies/odd.yaml';
const ODD_OBJECT = 'manifests/odd.yaml';

interface SignatureFile {
  readonly signatures: readonly { readonly keyId: string; readonly signature: string }[];
}

/** The signature file with all of them in order, as `capstan bundle sign` composes it. */
function signedBy(document: object, signers: readonly BundleSigner[]): SignatureFile {
  const files = signers.map((signer) => JSON.parse(signer.sign(document)) as SignatureFile);
  const signatures = files.flatMap((file) => file.signatures);
  return { ...files[0], signatures: signatures.sort((a, b) => (a.keyId < b.keyId ? -1 : 1)) };
}

/** Allows `default` and `odd` everything that these tests ask for. */
function bundleOf(more: object = {}, sequence = IN_FORCE): object {
  return bundleDocument([{ namespaces: ['default', 'odd'] }], { sequence, more });
}

const GOOD_BUNDLE = bundleOf();

function offer(document: object, signatures: object = signedBy(document, HOLDERS)): Files {
  return { [BUNDLE]: JSON.stringify(document, undefined, 2), [SIGNATURE]: JSON.stringify(signatures) };
}

/** The bundle in force with its signatures, each bent by a hand that has no key. */
function bent(bend: (signatures: SignatureFile['signatures']) => readonly object[]): Files {
  const file = signedBy(GOOD_BUNDLE, HOLDERS);
  return offer(GOOD_BUNDLE, { ...file, signatures: bend(file.signatures) });
}

/** In the 64 bytes of a signature the last digit before `==` has four bits that mean nothing. */
function withSpareBits(base64: string): string {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  return `${base64.slice(0, -3)}${digits[digits.indexOf(base64.at(-3) ?? '') + 1]}==`;
}

function policyText(name: string, spec: string, namespace = 'default'): string {
  return `apiVersion: capstan.dev/v1alpha1\nkind: IssuancePolicy\nmetadata: { name: ${name}, namespace: ${namespace} }\nspec:\n  ${spec}\n`;
}

/** A condition over the request, or over each Ingress of the namespace. */
function asking(cel: string, over: 'request' | 'Ingress' = 'request'): string {
  const check = over === 'request' ? `expression: ${cel}` : `exists: { kind: Ingress, where: ${cel} }`;
  return `conditions: [{ id: asks, waitFor: 0s, onRenew: enforce, message: Ask the odd team,\n    ${check} }]`;
}

const local = (spec: string): string => `# ${CANARY}\n${policyText('broken', spec)}`;
const cel = (text: string): string => local(asking(`'${text}'`));
const DEEP = '['.repeat(100_000);
const BOMB = [
  `a0: &a0 [${CANARY}]`,
  ...Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(9)}]`),
].join('\n');
const SPARSE = { sparseBytes: 50_000_000 };
const BINARY = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0x00, 0xff, 0xfe, 0x80]);
const PRIVATE_KEY = `-----BEGIN PRIVATE KEY-----\n${CANARY}\n-----END PRIVATE KEY-----\n`;

/** What stands in force before and after each of them, and all the while. */
export const GOOD: Files = {
  ...offer(GOOD_BUNDLE),
  'policies/team.yaml': policyText(
    'team',
    `deny: { serviceAccounts: [denied] }\n  ${asking('"object.spec.up"', 'Ingress')}`,
  ),
  'manifests/front.yaml':
    'apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: { name: front, namespace: default }\nspec: { up: true }\n',
};

/** The next bundle, as good as the one before. */
export const NEXT_BUNDLE: Files = offer(bundleOf({}, IN_FORCE + 1));
/** A signature of the right length by a key that is not pinned. */
const FOREIGN = signedBy(GOOD_BUNDLE, [STRANGER]).signatures[0]?.signature ?? '';

const BROKEN_POLICIES: readonly Row<Content>[] = [
  ['that is empty', '', /broken\.yaml:1:1 holds no policy document$/],
  ['of bytes that are no text', BINARY, /broken\.yaml:1:1 is not UTF-8 text$/],
  ['of one byte too many', '#'.repeat(MIB + 1), /broken\.yaml is larger than 1048576 bytes$/],
  ['of 50 MB that nobody wrote', SPARSE, /broken\.yaml is larger than 1048576 bytes$/],
  ['nested a hundred thousand deep', DEEP, /broken\.yaml:1:73 is nested deeper than 64 levels$/],
  ['with a bomb of aliases', BOMB, /broken\.yaml:1:9 a0 has a YAML anchor, which a policy must not/],
  ['with a key twice', local('mode: enforce\n  mode: audit'), /broken\.yaml:7:3 spec\.mode is written twice$/],
  ['that is half written', local('narrow: { keys: [ec-p256'), /broken\.yaml:7:1 Flow sequence .* end with a \]/],
  ['with a value that nobody knows', local(`mode: ${CANARY}`), /broken\.yaml:6:3 spec\.mode must be one of enforce, /],
  ['that is a private key by mistake', PRIVATE_KEY, /broken\.yaml:1:1 must be a mapping$/],
  [
    'with a pattern that could backtrack',
    local('deny: { serviceAccounts: ["a*a*a*a*b"] }'),
    /broken\.yaml:6:29 spec\.deny\.serviceAccounts\.0 must be the name of a service account, or \* before or after/,
  ],
  [
    'that is a bundle',
    JSON.stringify(GOOD_BUNDLE),
    /broken\.yaml:1:38 kind is a PolicyBundle, which no local policy can be$/,
  ],
  [
    'that is there already',
    policyText('team', "mode: 'off'"),
    /team\.yaml:3:13 metadata\.name repeats the IssuancePolicy default\/team of .*broken\.yaml:1:1$/,
  ],
  [
    'that is a link out of the directory',
    { linkTo: '../manifests/front.yaml' },
    /broken\.yaml is a symbolic link, which is followed only in a mounted volume$/,
  ],
  [
    'with CEL that does not type-check',
    cel(`request.ttlSeconds == "${CANARY}"`),
    /broken\.yaml:7:5 spec\.conditions\.asks\.expression does not type-check: .*int == string \(at character 1\)$/,
  ],
  [
    'with CEL that gives text',
    cel(`request.namespace + "${CANARY}"`),
    /broken\.yaml:7:5 spec\.conditions\.asks\.expression gives string, not true or false/,
  ],
  [
    'with CEL that loops in a loop',
    cel('request.dnsNames.all(a, request.dnsNames.all(b, a == b))'),
    /broken\.yaml:7:5 spec\.conditions\.asks\.expression all\(\) stands inside another walk over a list \(at character 25\)$/,
  ],
  [
    'with CEL that matches a regular expression',
    cel(`request.namespace.matches("(${CANARY}+)+")`),
    /broken\.yaml:7:5 spec\.conditions\.asks\.expression matches\(\) is not available/,
  ],
  [
    'with CEL that ends too early',
    cel(`request.namespace == "${CANARY}" &&`),
    /broken\.yaml:7:5 spec\.conditions\.asks\.expression is not CEL: it ends too early \(at character 36\)$/,
  ],
];

export const LOCAL_EDITS: readonly HostileEdit[] = [
  ...editsOf('policies/broken.yaml', BROKEN_POLICIES),
  {
    what: 'about another namespace than its folder',
    files: { 'policies/shop/broken.yaml': local('mode: audit') },
    says: /shop\/broken\.yaml:4:27 metadata\.namespace is default, but a file below shop\/ belongs to the namespace shop only$/,
  },
];

const BROKEN_SIGNATURES: readonly Row<Files>[] = [
  ['without its signatures', { [SIGNATURE]: undefined }, /bundle\.yaml\.sig does not exist$/],
  ['with a private key for its signatures', { [SIGNATURE]: PRIVATE_KEY }, /bundle\.yaml\.sig:1:1 is not JSON$/],
  ['with no signature', bent(() => []), /bundle\.yaml\.sig:1:1 signatures must hold one signature$/],
  [
    'with a signature that is wrong',
    bent(([first, ...rest]) => [{ ...first, signature: FOREIGN }, ...rest]),
    /bundle\.yaml\.sig:1:1 signatures\.0\.signature of .*holder-\d\.pem \(sha256:[0-9a-f]{64}\) does not verify/,
  ],
  [
    'with the signatures of another',
    offer(GOOD_BUNDLE, signedBy(bundleOf({}, 8), HOLDERS)),
    /bundle\.yaml\.sig:1:1 digest is of another bundle than this one, which has sha256:[0-9a-f]{64}$/,
  ],
  [
    'with one signature twice',
    bent(([first = {}]) => [first, first]),
    /bundle\.yaml\.sig:1:1 signatures\.1\.keyId sha256:[0-9a-f]{64} has signed already$/,
  ],
  [
    'with fewer signatures than the threshold',
    bent(([first = {}]) => [first]),
    /bundle\.yaml\.sig:1:1 signatures 2 of 2 pinned keys must sign, 1 did; missing: .*holder-\d\.pem \(sha256:[0-9a-f]{64}\)$/,
  ],
  [
    "with a stranger's signature for the second",
    offer(GOOD_BUNDLE, signedBy(GOOD_BUNDLE, [HOLDERS[0], STRANGER])),
    /signatures 2 of 2 pinned keys must sign, 1 did; .*holder-1\.pem .* ignored, because not pinned: sha256:[0-9a-f]{64}$/,
  ],
  [
    'with spare bits in a signature',
    bent((all) => all.map((one) => ({ ...one, signature: withSpareBits(one.signature) }))),
    /bundle\.yaml\.sig:1:1 signatures\.0\.signature of sha256:[0-9a-f]{64} is not base64 in its one spelling/,
  ],
];

const UNTIMELY: readonly Row<Files>[] = [
  [
    'of an older sequence',
    offer(bundleOf({}, 6)),
    /bundle\.yaml:6:5 metadata\.sequence is a rollback: 6 is older than \d, which .*bundle-state\.json remembers$/,
  ],
  [
    'of the same sequence with other content',
    offer(bundleOf({ issuers: [{ name: CANARY }] })),
    /bundle\.yaml:6:5 metadata\.sequence 7 is that of another bundle already, which .*bundle-state\.json remembers; count on$/,
  ],
  [
    'that has not begun',
    offer(bundleOf({ validity: { notBefore: '2999-01-01T00:00:00Z' } }, 8)),
    /bundle\.yaml:46:5 validity\.notBefore has not come; it is 20\S+Z$/,
  ],
  [
    'past its hard expiry',
    offer(bundleOf({ validity: { hardExpiry: '2020-01-01T00:00:00Z' } }, 8)),
    /bundle\.yaml:46:5 validity\.hardExpiry has passed; it is 20\S+Z$/,
  ],
  [
    'for another cluster',
    offer(bundleOf({ audience: { clusters: ['elsewhere-*'] } }, 8)),
    /bundle\.yaml:46:5 audience\.clusters is meant for elsewhere-\*; this cluster is default$/,
  ],
];

export const BUNDLE_EDITS: readonly HostileEdit[] = [
  ...editsOf(BUNDLE, [
    ['that is empty', '', /bundle\.yaml:1:1 holds no policy document$/],
    ['of bytes that are no text', BINARY, /bundle\.yaml:1:1 is not UTF-8 text$/],
    ['of 50 MB that nobody wrote', SPARSE, /bundle\.yaml is larger than 1048576 bytes$/],
    ['with a bomb of aliases', BOMB, /bundle\.yaml:1:9 a0 has a YAML anchor, which a policy must not/],
  ]),
  ...[...BROKEN_SIGNATURES, ...UNTIMELY].map(([what, files, says]) => ({ what, files, says })),
];

export const MANIFEST_EDITS: readonly HostileEdit[] = editsOf('manifests/broken.yaml', [
  ['of bytes that are no text', BINARY, /broken\.yaml:1:1 is not UTF-8 text$/],
  ['of 50 MB that nobody wrote', SPARSE, /broken\.yaml is larger than 16777216 bytes$/],
  ['nested a hundred thousand deep', DEEP, /broken\.yaml:1:73 is nested deeper than 64 levels$/],
  ['with a bomb of aliases', BOMB, /broken\.yaml:3:10 a3\.0\.0 is one more than 100 uses of YAML anchors$/],
  ['with a key twice', `kind: ${CANARY}\nkind: Pod\n`, /broken\.yaml:2:1 kind is written twice$/],
  ['without a kind', `# ${CANARY}\napiVersion: v1\nmetadata: { name: x }\n`, /broken\.yaml:2:1 kind is missing$/],
  [
    'with a number for a label',
    'apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n  labels: { team: 4417 }\n',
    /broken\.yaml:5:13 metadata\.labels\.team must be text: put it in quotes$/,
  ],
  ['that is a list', `- ${CANARY}\n`, /broken\.yaml:1:1 is no Kubernetes object$/],
  [
    'that is a link out of the directory',
    { linkTo: '../bundle/bundle.yaml' },
    /broken\.yaml is a symbolic link, which is followed only in a mounted volume$/,
  ],
]);

function editsOf(file: string, rows: readonly Row<Content>[]): readonly HostileEdit[] {
  return rows.map(([what, content, says]) => ({ what, files: { [file]: content }, says }));
}

const SHOWN = '"object.spec.rules.exists(r, r.host == request.namespace)"';

/** Policies and manifests of namespace `odd` that load, and leave a condition without an answer. */
export const FAULTS: readonly { readonly what: string; readonly files: Files; readonly says: RegExp }[] = [
  {
    what: 'divides by zero',
    files: { [ODD_POLICY]: odd(asking('"100 / size(request.dnsNames) > 1"')) },
    says: /\(100 \/ size\(request\.dnsNames\) divides by zero\)/,
  },
  {
    what: 'walks over a list where the object has text',
    files: { [ODD_POLICY]: odd(asking(SHOWN, 'Ingress')), [ODD_OBJECT]: objectOf('Ingress', CANARY) },
    says: /\(odd: object\.spec\.rules is not there\)/,
  },
  {
    what: 'walks over more than there may be',
    files: {
      [ODD_POLICY]: odd(asking(SHOWN, 'Ingress')),
      [ODD_OBJECT]: objectOf('Ingress', { rules: Array(5_000).fill(CANARY) }),
    },
    says: /\(odd: a list has more than 1,000 elements\)/,
  },
  {
    what: 'finds text where it needs true or false',
    files: { [ODD_POLICY]: odd(asking('object.spec', 'Ingress')), [ODD_OBJECT]: objectOf('Ingress', CANARY) },
    says: /\(odd: the answer is neither true nor false\)/,
  },
  {
    what: 'looks for an Ingress where there is a Service',
    files: {
      [ODD_POLICY]: odd(asking(SHOWN, 'Ingress')),
      [ODD_OBJECT]: objectOf('Service', { rules: [{ host: 'odd' }] }),
    },
    says: /\(there is none\)/,
  },
];

function odd(spec: string): string {
  return policyText('odd', spec, 'odd');
}

function objectOf(kind: string, spec: unknown): string {
  return JSON.stringify({ apiVersion: 'v1', kind, metadata: { name: 'odd', namespace: 'odd' }, spec });
}

/** Gives a file this content, by a rename, so that nobody reads half of it. */
export function put(file: string, content: Content): void {
  if (content === undefined) {
    rmSync(file);
    return;
  }
  const next = `${file}.new`;
  if (typeof content === 'string' || Buffer.isBuffer(content)) writeFileSync(next, content);
  else if ('linkTo' in content) symlinkSync(content.linkTo, next);
  else {
    writeFileSync(next, '');
    truncateSync(next, content.sparseBytes);
  }
  renameSync(next, file);
}
