import assert from 'node:assert/strict';
import { BOUNDS, bundleText, HEAD, localText, problemsOf } from '../source/documents.ts';

const bounds = (field: string): string =>
  bundleText(
    `rules: [{ id: mesh, bounds: ${BOUNDS.replace(new RegExp(`${field.split(':')[0]!}: (\\[[^\\]]*\\]|"[^"]*"|\\{[^}]*\\})`), field)} }]`,
  );
const rule = (fields: string): string => bundleText(`rules: [{ id: mesh, ${fields} }]`);
const top = (fields: string): string => bundleText(`rules: []\n${fields}`);
const condition = (fields: string): string => localText(`conditions: [{ id: c, message: m, ${fields} }]`);
const exists = (fields: string): string => condition(`exists: { kind: Ingress, ${fields} }`);
const clusterPolicy = (spec: string): string =>
  `${HEAD}kind: ClusterIssuancePolicy\nmetadata: { name: web }\nspec: { ${spec} }`;

describe('A policy document is refused', () => {
  const refused: readonly [what: string, text: string, problem: RegExp][] = [
    // Which document it is.
    ['without a kind', HEAD, /^1:1 kind: must be one of PolicyBundle, ClusterIssuancePolicy, IssuancePolicy$/],
    ['of a kind that is misspelled', 'kind: IssuencePolicy', /did you mean IssuancePolicy\?$/],
    ['of another kind', 'kind: Deployment', /"Deployment" is no kind of policy; known kinds: PolicyBundle, Cluster/],
    ['of a kind that objects have of themselves', 'kind: toString', /"toString" is no kind of policy/],
    ['of a kind as long as a file', `kind: ${'K'.repeat(100_000)}`, /^1:1 kind: "K{60}\.\.\." is no kind of policy/],
    ['of the kind that was there before bundles', 'kind: NamespacePolicy', /`capstan policy migrate` turns into/],
    ['of another version', localText().replace('v1alpha1', 'v1'), /^1:1 apiVersion: must be capstan\.dev\/v1alpha1$/],
    ['that is a list', '[a]', /^1:1 : must be a mapping$/],
    ['that is text', 'hello', /^1:1 : must be a mapping$/],
    // Names.
    ['of a namespace that it does not name', localText().replace(', namespace: shop', ''), /namespace: is required$/],
    ['of a namespace with capitals', localText().replace('shop', 'Shop'), /^3:24 metadata\.namespace: must be 1 to 63/],
    ['of a namespace with dots', localText().replace('shop', 'a.b'), /metadata\.namespace: must be 1 to 63 lower-case/],
    ['of a namespace of 64 letters', localText().replace('shop', 'a'.repeat(64)), /metadata\.namespace: must be 1 to/],
    ['of a namespace that is a number', localText().replace('shop', '1'), /must be text; put quotes around it$/],
    [
      'with a name that is none',
      localText().replace('name: web', 'name: a/b'),
      /^3:13 metadata\.name: must be 1 to 253/,
    ],
    [
      'of the cluster with a namespace',
      clusterPolicy('').replace('web', 'a, namespace: b'),
      /namespace: is no field here/,
    ],
    ['with a rule id that has dots', rule('').replace('id: mesh', 'id: a.b'), /^5:11 rules\.0\.id: must be 1 to 63/],
    [
      'with two conditions of one id',
      localText(`conditions: [${'{ id: c, message: m, expression: "true" }, '.repeat(2)}]`),
      /^4:67 spec\.conditions\.c\.id: names c a second time$/,
    ],
    [
      'with two issuers of one name',
      top('issuers: [{ name: a }, { name: a }]'),
      /issuers\.1\.name: names a a second time$/,
    ],
    // Numbers and sizes.
    ['with a sequence of zero', bundleText().replace('7', '0'), /^3:25 metadata\.sequence: must be at least 1$/],
    ['with a sequence that is no whole number', bundleText().replace('7', '1.5'), /sequence: must be a whole number$/],
    ['with a sequence beyond exact numbers', bundleText().replace('7', '9007199254740993'), /sequence: must be /],
    ['with a sequence that is text', bundleText().replace('7', '"7"'), /sequence: must be a whole number$/],
    ['with a quota of nothing', top('namespaces: { quotas: { perIdentityPerMinute: 0 } }'), /must be at least 1$/],
    [
      'with 1,001 rules',
      bundleText(`rules:\n${Array.from({ length: 1_001 }, (_, n) => `- id: r${n}\n`).join('')}`),
      /^5:1 rules: must have at most 1000 entries$/,
    ],
    [
      'with 51 conditions',
      localText(`conditions: [${'{}, '.repeat(51)}]`),
      /conditions: must have at most 50 entries$/,
    ],
    [
      'with 1,001 names',
      localText(`deny: { serviceAccounts: [${'a, '.repeat(1_001)}] }`),
      /must have at most 1000 entries$/,
    ],
    // Moments.
    [
      'that begins after its soft expiry',
      top('validity: { notBefore: 2026-02-01T00:00:00Z, softExpiry: 2026-01-01T00:00:00Z }'),
      /^6:13 validity\.notBefore: is not before softExpiry$/,
    ],
    [
      'that begins at its hard expiry',
      top('validity: { notBefore: 2026-02-01T00:00:00Z, hardExpiry: 2026-02-01T00:00:00Z }'),
      /notBefore: is not before hardExpiry$/,
    ],
    [
      'that ends before it warns',
      top('validity: { softExpiry: 2026-02-02T00:00:00Z, hardExpiry: 2026-02-01T00:00:00Z }'),
      /^6:13 validity\.softExpiry: is after hardExpiry$/,
    ],
    [
      'with a moment in another zone',
      top('validity: { notBefore: 2026-02-01T00:00:00+01:00 }'),
      /must be a moment in UTC, such as/,
    ],
    ['with a moment without a time', top('validity: { notBefore: 2026-02-01 }'), /must be a moment in UTC/],
    [
      'with a day that its month does not have',
      top('validity: { notBefore: 2026-02-30T00:00:00Z }'),
      /must be a moment in UTC/,
    ],
    ['with an hour that no day has', top('validity: { notBefore: 2026-02-01T24:00:00Z }'), /must be a moment in UTC/],
    // Lifetimes and waits.
    ['with a lifetime of zero', bounds('ttl: { max: 0s }'), /bounds\.ttl\.max: must be longer than zero$/],
    ['without a longest lifetime', bounds('ttl: {}'), /bounds\.ttl\.max: is required$/],
    ['with a lifetime that is a number', bounds('ttl: { max: 60 }'), /ttl\.max: must be text; put quotes around it$/],
    ['with half an hour', bounds('ttl: { max: 0.5h }'), /ttl\.max: is not a whole number followed by s, m, h or d/],
    ['with its shortest lifetime the longest', bounds('ttl: { min: 2h, max: 1h }'), /ttl\.min: is longer than max$/],
    [
      'with a default above its maximum',
      localText('narrow: { ttl: { max: 1h, default: 2h } }'),
      /default: is not between min and max$/,
    ],
    [
      'with a default below its minimum',
      localText('narrow: { ttl: { min: 3h, default: 2h } }'),
      /default: is not between min and max$/,
    ],
    ['with a wait of 11 seconds', condition('expression: "true", waitFor: 11s'), /waitFor: must be at most 10s$/],
    ['with a ceiling of 11 seconds', top('namespaces: { maxLocalWait: 11s }'), /maxLocalWait: must be at most 10s$/],
    [
      'with a grace of zero',
      condition('expression: "true", onRenew: { grace: 0s }'),
      /onRenew\.grace: must be longer than zero$/,
    ],
    ['with a grace without a length', condition('expression: "true", onRenew: {}'), /onRenew\.grace: is required$/],
    [
      'with a renewal of another kind',
      condition('expression: "true", onRenew: grace'),
      /onRenew: must be enforce, warn, or a grace such as \{ grace: 2h \}$/,
    ],
    // Names of what is allowed.
    [
      'with a pattern of two stars',
      rule('match: { namespaces: { names: ["*a*"] } }'),
      /names\.0: must be the name of a namespace, or \* before or after a part of one$/,
    ],
    [
      'with a star in the middle',
      rule('deny: { serviceAccounts: ["a*b"] }'),
      /serviceAccounts\.0: must be the name of a service account/,
    ],
    ['with an empty pattern', rule('match: { clusters: { ids: [""] } }'), /ids\.0: must be a cluster's id, or \*/],
    ['with a regular expression', localText('narrow: { dnsNames: ["(a+)+"] }'), /dnsNames\.0: must be a DNS name/],
    [
      'with a selection of nothing',
      rule('match: { serviceAccounts: [] }'),
      /match\.serviceAccounts: must not be empty$/,
    ],
    [
      'with one name where a list belongs',
      rule('match: { serviceAccounts: web }'),
      /match\.serviceAccounts: must be a list$/,
    ],
    [
      'with DNS names that are neither none nor a list',
      localText('narrow: { dnsNames: nothing }'),
      /dnsNames: must be none, or a list of patterns$/,
    ],
    [
      'with an impersonator without a namespace',
      localText('narrow: { impersonators: [ztunnel] }'),
      /must be namespace\/service-account/,
    ],
    [
      'with a SPIFFE ID of another scheme',
      bounds('spiffeId: "https://corp/{namespace}"'),
      /spiffeId: must be a SPIFFE ID such as spiffe:/,
    ],
    [
      'with a placeholder that is unknown',
      bounds('spiffeId: "spiffe://{trustDomain}/{pod}"'),
      /spiffeId: knows \{trustDomain\}, \{namespace\}, \{serviceAccount\}, and not \{pod\}$/,
    ],
    ['with an empty segment in a SPIFFE ID', bounds('spiffeId: "spiffe://a//b"'), /spiffeId: must be a SPIFFE ID/],
    ['with dots as a segment of a SPIFFE ID', bounds('spiffeId: "spiffe://a/../b"'), /spiffeId: must be a SPIFFE ID/],
    ['with a star in a SPIFFE ID', bounds('spiffeId: "spiffe://a/*"'), /spiffeId: must be a SPIFFE ID/],
    [
      'with a SPIFFE ID of nothing but a trust domain',
      bounds('spiffeId: "spiffe://a"'),
      /spiffeId: must be a SPIFFE ID/,
    ],
    [
      'with a key of another type',
      bounds('keys: [ec-p256, dsa]'),
      /keys\.1: must be one of ec-p256, ec-p384, ed25519, rsa/,
    ],
    ['with a short RSA key', bounds('keys: ["rsa>=1024"]'), /keys\.0: must ask for 2048 to 16384 bits$/],
    ['with an RSA key twice', bounds('keys: [rsa, "rsa>=3072"]'), /keys\.1: names rsa a second time$/],
    ['with no key at all', bounds('keys: []'), /keys: must not be empty$/],
    ['with a class that is none', rule('match: { classes: [gatewy] }'), /did you mean gateway\?$/],
    [
      'with workloads assigned to a class of our own',
      top('classes: [{ class: self, namespaces: [a] }]'),
      /class: must be one of gateway, waypoint, control-plane$/,
    ],
    [
      'with a digest that is none',
      top('issuers: [{ name: a, anchor: "sha256:AB" }]'),
      /anchor: must be sha256: and 64 lower-case hex digits$/,
    ],
    [
      'with labels that are no text',
      rule('match: { namespaces: { labels: { mesh: true } } }'),
      /labels\.mesh: must be text; put quotes around it$/,
    ],
    [
      'with the name of a label that is none',
      rule('match: { namespaces: { labels: { "a b": c } } }'),
      /labels\.a b: must be the name of a label/,
    ],
    [
      'with an audit of whatever namespace',
      top('namespaces: { audit: [{}] }'),
      /audit\.0: must have names or labels; write names: \["\*"\]/,
    ],
    [
      'with namespaces in the deny list of one namespace',
      localText('deny: { namespaces: [a] }'),
      /deny\.namespaces: is no field here/,
    ],
    // Conditions.
    [
      'with a condition that asks nothing',
      condition(''),
      /conditions\.c: must say exactly one of exists, matches, claim, expression$/,
    ],
    [
      'with a condition that asks two things',
      condition('expression: "true", claim: { name: podName, in: [a] }'),
      /must say exactly one of/,
    ],
    [
      'with a condition without a message',
      localText('conditions: [{ id: c, expression: "true" }]'),
      /message: is required$/,
    ],
    [
      'with a message of blanks',
      localText('conditions: [{ id: c, expression: "true", message: "  " }]'),
      /message: must not be empty$/,
    ],
    [
      'with a kind of object that is none',
      condition('exists: { kind: ingress }'),
      /kind: must be a kind such as Ingress$/,
    ],
    [
      'with an API version that is none',
      exists('apiVersion: networking'),
      /apiVersion: must be an API version such as networking\.k8s\.io\/v1$/,
    ],
    [
      'with a look at another namespace',
      exists('inNamespace: pay'),
      /inNamespace: must be self: a policy of a namespace sees no other one, and nothing of the cluster$/,
    ],
    ['with a look at the cluster from a namespace', exists('inNamespace: none'), /inNamespace: must be self:/],
    [
      'with a selector that selects elsewhere',
      clusterPolicy(
        'conditions: [{ id: c, message: m, exists: { kind: NetworkPolicy, inNamespace: pay, selectsPod: true } }]',
      ),
      /selectsPod: goes with inNamespace: self only/,
    ],
    [
      'with a claim that nobody makes',
      condition('claim: { name: node, in: [a] }'),
      /claim\.name: must be one of authenticationMethod, credentialId, podName, podUid, nodeName/,
    ],
    [
      "with a claim's former name",
      condition('claim: { name: evidence, in: [a] }'),
      /claim\.name: the claim evidence is called credentialId now$/,
    ],
    [
      'with an expression that is no CEL',
      condition('expression: "1 +"'),
      /expression: is not CEL: .* \(at character 4\)$/,
    ],
    [
      'with an expression that gives text',
      condition('expression: "request.namespace"'),
      /expression: gives string, not true or false/,
    ],
    [
      'with an expression of 2,001 characters',
      condition(`expression: "${' '.repeat(1_997)}true"`),
      /expression: must have at most 2000 characters$/,
    ],
    [
      'with an expression on an object where there is none',
      condition('expression: "object.spec == 1"'),
      /expression: .*object/,
    ],
  ];
  for (const [what, text, problem] of refused) {
    it(what, () => {
      const problems = problemsOf(text);
      assert.equal(problems.length, 1, problems.join('\n'));
      assert.match(problems[0]!, problem);
    });
  }
});

describe('A policy document is taken', () => {
  const taken: readonly [what: string, text: string][] = [
    ['with a policy of a namespace that names its own', exists('inNamespace: shop')],
    [
      'with a cluster policy that looks at the cluster',
      clusterPolicy('conditions: [{ id: c, message: m, exists: { kind: Node, inNamespace: none } }]'),
    ],
    [
      'with a cluster policy that looks in a namespace',
      clusterPolicy('conditions: [{ id: c, message: m, exists: { kind: Ingress, inNamespace: edge } }]'),
    ],
    ['with rules of one id in two bundles of one file', `${rule(`mode: 'off'`)}---\n${rule(`mode: 'off'`)}`],
    [
      'with a SPIFFE ID of one trust domain',
      bounds('spiffeId: "spiffe://corp.example/ns-{namespace}/{serviceAccount}"'),
    ],
    [
      'with anybody as impersonator',
      localText('narrow: { impersonators: ["*", "istio-system/*", "*/ztunnel", "istio-system/ztunnel"] }'),
    ],
    [
      'with an expression on the object',
      exists('where: "object.spec.rules.exists(r, r.host.endsWith(\'.shop.example\'))"'),
    ],
    ['with a wait of 10 seconds', condition('expression: "true", waitFor: 10s')],
    ['with 1,000 rules', bundleText(`rules:\n${Array.from({ length: 1_000 }, (_, n) => `- id: r${n}\n`).join('')}`)],
  ];
  for (const [what, text] of taken) it(what, () => assert.deepEqual(problemsOf(text), []));
});
