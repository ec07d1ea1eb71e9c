import assert from 'node:assert/strict';
import { parsePolicyDocuments } from '../../../../src/adapters/policy/source/parse-documents.ts';
import { UNBOUNDED } from '../../../../src/domain/policy/bounds.ts';
import { NO_NAME, nameLimit } from '../../../../src/domain/policy/name-patterns.ts';
import { ISSUANCE_CLASSES } from '../../../../src/domain/policy/request.ts';
import { NO_QUOTAS } from '../../../../src/domain/policy/evaluation/statement.ts';
import { BOUNDS, bundleText, HEAD, localText, onlyDocument, problemsOf } from './documents.ts';

const HOUR_MS = 3_600_000;
const NOBODY = { namespaces: [], serviceAccounts: [] };

describe('A policy file', () => {
  it('may say little of a bundle: it is in force for ever and everywhere, and lets local policies choose', () => {
    assert.deepEqual(onlyDocument(bundleText()).document, {
      kind: 'PolicyBundle',
      name: 'corp',
      sequence: 7,
      twoPersons: [],
      validity: { notBeforeMs: 0, softExpiryMs: Infinity, hardExpiryMs: Infinity, renewAfterHardExpiry: false },
      audience: ['*'],
      owner: { team: 'security', contact: '#pki' },
      issuers: [],
      classes: [],
      rules: [],
      namespaces: {
        requireLocal: false,
        maxWaitMs: 10_000,
        onRenew: { kind: 'warn' },
        quotas: NO_QUOTAS,
        audit: [],
      },
    });
  });

  it('may say little of a rule: it applies to workloads everywhere, and gives no DNS names to anybody', () => {
    const { document } = onlyDocument(bundleText(`rules:\n  - id: mesh\n    bounds: ${BOUNDS}`));
    assert.ok(document.kind === 'PolicyBundle');
    assert.deepEqual(document.rules[0], {
      id: 'mesh',
      match: { classes: ['workload'], namespaces: {}, serviceAccounts: [], clusters: {} },
      bounds: {
        ...UNBOUNDED,
        trustDomains: nameLimit(['corp.example']),
        spiffeIds: nameLimit(['spiffe://{trustDomain}/ns/{namespace}/sa/{serviceAccount}']),
        dnsNames: NO_NAME,
        impersonators: NO_NAME,
        keys: { 'ec-p256': 0 },
        usages: ['digitalSignature', 'clientAuth'],
        ttl: { minMs: 0, maxMs: 24 * HOUR_MS, defaultMs: Infinity },
      },
      deny: NOBODY,
      conditions: [],
      mode: 'enforce',
      locked: false,
    });
  });

  it('may say little of a local policy: it narrows nothing for anybody in its namespace', () => {
    assert.deepEqual(onlyDocument(localText()).document, {
      kind: 'IssuancePolicy',
      name: 'web',
      namespace: 'shop',
      mode: 'enforce',
      serviceAccounts: [],
      classes: ISSUANCE_CLASSES,
      narrow: UNBOUNDED,
      deny: NOBODY,
      conditions: [],
      quotas: NO_QUOTAS,
    });
  });

  it('says everything that a bundle can, in domain values', () => {
    const { document } = onlyDocument(
      bundleText(`
validity: { notBefore: 2026-11-20T00:00:00Z, softExpiry: 2026-12-20T00:00:00.500Z, hardExpiry: 2027-01-20T00:00:00Z, renewAfterHardExpiry: true }
audience: { clusters: ["prod-*"] }
issuers: [{ name: high, anchor: "sha256:${'ab'.repeat(32)}", minRemaining: 6h }, { name: low, maxPathLength: 0 }]
classes: [{ class: gateway, namespaces: [istio-ingress] }]
rules:
  - id: mesh
    match:
      classes: [workload, waypoint]
      namespaces: { names: [shop, "team-*"], labels: { mesh: "true" } }
      serviceAccounts: ["web-*", "*-api"]
      clusters: { ids: [prod-1], labels: { env: prod } }
    deny: { namespaces: [pay], serviceAccounts: [default] }
    mode: audit
    locked: true
    contact: "#mesh"
namespaces:
  requireLocal: true
  maxLocalWait: 0s
  onRenew: { grace: 2h }
  quotas: { perNamespacePerMinute: 2000, perIdentityPerMinute: 60 }
  audit: [{ names: ["sandbox-*"] }, { labels: { stage: trial } }]
`),
    );
    assert.ok(document.kind === 'PolicyBundle');
    assert.deepEqual(document.validity, {
      notBeforeMs: Date.UTC(2026, 10, 20),
      softExpiryMs: Date.UTC(2026, 11, 20) + 500,
      hardExpiryMs: Date.UTC(2027, 0, 20),
      renewAfterHardExpiry: true,
    });
    assert.deepEqual(document.audience, ['prod-*']);
    assert.deepEqual(document.issuers, [
      { name: 'high', anchor: 'ab'.repeat(32), minRemainingMs: 6 * HOUR_MS },
      { name: 'low', minRemainingMs: 0, maxPathLength: 0 },
    ]);
    assert.deepEqual(document.classes, [{ class: 'gateway', namespaces: ['istio-ingress'], serviceAccounts: ['*'] }]);
    assert.deepEqual(document.rules, [
      {
        id: 'mesh',
        match: {
          classes: ['workload', 'waypoint'],
          namespaces: { names: ['shop', 'team-*'], labels: { mesh: 'true' } },
          serviceAccounts: nameLimit(['web-*', '*-api']),
          clusters: { ids: ['prod-1'], labels: { env: 'prod' } },
        },
        deny: { namespaces: ['pay'], serviceAccounts: ['default'] },
        conditions: [],
        mode: 'audit',
        locked: true,
        contact: '#mesh',
      },
    ]);
    assert.deepEqual(document.namespaces, {
      requireLocal: true,
      maxWaitMs: 0,
      onRenew: { kind: 'grace', graceMs: 2 * HOUR_MS },
      quotas: { perNamespacePerMinute: 2000, perIdentityPerMinute: 60 },
      audit: [{ names: ['sandbox-*'] }, { labels: { stage: 'trial' } }],
    });
  });

  it('says everything that a local policy can narrow', () => {
    const { document } = onlyDocument(
      localText(`
  mode: audit, subjects: { serviceAccounts: [api, web] }, classes: [workload], contact: "#shop",
  narrow: { trustDomains: ["*"], spiffeId: "spiffe://corp.example/{namespace}", serviceAccounts: [], dnsNames: ["*.shop.example"],
            ttl: { min: 5m, default: 10m }, keys: [rsa, ed25519], usages: [clientAuth, digitalSignature, clientAuth],
            impersonators: [], issuer: "low*" },
  deny: { serviceAccounts: [default] }, quotas: { perIdentityPerMinute: 1 }
`).replace('serviceAccounts: [], ', ''),
    );
    assert.ok(document.kind === 'IssuancePolicy');
    assert.deepEqual(document.narrow, {
      trustDomains: [],
      spiffeIds: nameLimit(['spiffe://corp.example/{namespace}']),
      serviceAccounts: [],
      dnsNames: nameLimit(['*.shop.example']),
      issuers: nameLimit(['low*']),
      impersonators: NO_NAME,
      keys: { rsa: 2048, ed25519: 0 },
      usages: ['digitalSignature', 'clientAuth'],
      ttl: { minMs: 300_000, maxMs: Infinity, defaultMs: 600_000 },
    });
    const { mode, serviceAccounts, classes, deny, quotas, contact } = document;
    assert.deepEqual([mode, classes, contact], ['audit', ['workload'], '#shop']);
    assert.deepEqual(serviceAccounts, nameLimit(['api', 'web']));
    assert.deepEqual(deny, { namespaces: [], serviceAccounts: ['default'] });
    assert.deepEqual(quotas, { perNamespacePerMinute: Infinity, perIdentityPerMinute: 1 });
  });

  it('says who the namespaces of a cluster policy are', () => {
    const text = `${HEAD}kind: ClusterIssuancePolicy
metadata: { name: platform, labels: { app.kubernetes.io/part-of: mesh }, annotations: { note: "anything, at any length" } }
spec: { namespaces: { labels: { tier: web } }, deny: { namespaces: ["tmp-*"] } }`;
    const { document } = onlyDocument(text);
    assert.ok(document.kind === 'ClusterIssuancePolicy');
    assert.deepEqual(document.namespaces, { labels: { tier: 'web' } });
    assert.deepEqual(document.deny, { namespaces: ['tmp-*'], serviceAccounts: [] });
  });

  it('has conditions of four kinds', () => {
    const { document } = onlyDocument(
      localText(`conditions: [
  { id: ingress, exists: { apiVersion: networking.k8s.io/v1, kind: Ingress, names: ["web-*"], labels: { app: web }, where: "object.spec.size > 1" },
    message: "Publish\\n  an Ingress ", onRenew: { grace: 2h }, waitFor: 0s, mode: audit },
  { id: netpol, exists: { kind: NetworkPolicy, inNamespace: shop }, message: m, onRenew: enforce },
  { id: team, matches: { object: namespace, labels: { team: shop }, annotations: { a: b } }, message: m, onRenew: warn },
  { id: gpu, claim: { name: nodeName, in: ["gpu-*"] }, message: m },
  { id: short, expression: "request.ttlSeconds <= 3600", message: m } ]`),
    );
    assert.ok(document.kind === 'IssuancePolicy');
    const [ingress, netpol, team, gpu, short] = document.conditions;
    assert.ok(ingress?.check.kind === 'exists');
    const { where, ...check } = ingress.check;
    assert.equal(where?.source, 'object.spec.size > 1');
    assert.deepEqual(check, {
      kind: 'exists',
      objectKind: 'Ingress',
      apiVersion: 'networking.k8s.io/v1',
      inNamespace: { in: 'self' },
      names: ['web-*'],
      labels: { app: 'web' },
      selectsPod: false,
    });
    assert.deepEqual(
      { message: ingress.message, onRenew: ingress.onRenew, waitMs: ingress.waitMs, mode: ingress.mode },
      {
        message: 'Publish an Ingress',
        onRenew: { kind: 'grace', graceMs: 2 * HOUR_MS },
        waitMs: 0,
        mode: 'audit',
      },
    );
    assert.deepEqual(netpol?.check, {
      kind: 'exists',
      objectKind: 'NetworkPolicy',
      inNamespace: { in: 'named', namespace: 'shop' },
      selectsPod: false,
    });
    assert.deepEqual(team?.check, {
      kind: 'matches',
      target: 'namespace',
      labels: { team: 'shop' },
      annotations: { a: 'b' },
    });
    assert.deepEqual(gpu, {
      id: 'gpu',
      check: { kind: 'claim', claim: 'nodeName', in: ['gpu-*'] },
      message: 'm',
      onRenew: { kind: 'grace' },
      waitMs: 3_000,
      mode: 'enforce',
    });
    assert.ok(short?.check.kind === 'expression');
    assert.equal(short.check.expression.source, 'request.ttlSeconds <= 3600');
  });

  it('holds several documents, of which the good ones can be used although others are wrong', () => {
    const text = `# shop\n---\n${localText()}---\n${localText('mode: on')}---\n# nothing\n---\n${bundleText()}`;
    const { documents, problems } = parsePolicyDocuments(text, 'p.yaml');
    assert.deepEqual(
      documents.map(({ document, position }) => [document.kind, position.line]),
      [
        ['IssuancePolicy', 3],
        ['PolicyBundle', 15],
      ],
    );
    assert.deepEqual(
      problems.map(({ position, path }) => [position.line, path]),
      [[11, 'spec.mode']],
    );
  });

  it('may be JSON', () => {
    const { data } = onlyDocument(bundleText());
    assert.deepEqual(onlyDocument(JSON.stringify(data, undefined, '\t')).data, data);
  });

  it('has one digest, however it is laid out, and another when it says something else', () => {
    const one = onlyDocument(bundleText('validity: { notBefore: 2026-11-20T00:00:00Z }\nrules: []'));
    const laidOut = `rules: []   # none yet
validity:
  notBefore: "2026-11-20T00:00:00Z"
owner: {contact: '#pki', team: security}
metadata: {sequence: 7, name: corp}
kind: PolicyBundle
apiVersion: "capstan.dev/v1alpha1"
`;
    const other = onlyDocument(laidOut);
    assert.equal(
      other.canonical,
      '{"apiVersion":"capstan.dev/v1alpha1","kind":"PolicyBundle","metadata":{"name":"corp","sequence":7},' +
        '"owner":{"contact":"#pki","team":"security"},"rules":[],"validity":{"notBefore":"2026-11-20T00:00:00Z"}}',
    );
    assert.match(other.digest, /^[0-9a-f]{64}$/);
    assert.equal(other.digest, one.digest);
    assert.notEqual(onlyDocument(laidOut.replace('sequence: 7', 'sequence: 8')).digest, one.digest);
  });

  it('is refused where YAML 1.1, which Kubernetes reads, takes a word for something else: it says how to write it', () => {
    const words = (text: string) =>
      parsePolicyDocuments(localText(text), 'p.yaml').problems.map(({ path, problem }) => `${path} ${problem}`);
    assert.deepEqual(words('contact: no'), [
      "spec.contact is false to Kubernetes and the text 'no' to YAML 1.2: write false, or put it in quotes",
    ]);
    assert.deepEqual(words('on: x').slice(0, 1), ['spec.on is true to Kubernetes: put it in quotes']);
    const { data } = onlyDocument(`%YAML 1.1\n---\n${localText("contact: 'no'")}`);
    assert.deepEqual((data as { spec: object }).spec, { contact: 'no' });
  });

  it('is told all its problems at once, in the order of the file, with what may have been meant', () => {
    const text = bundleText(`validty: {}
rules:
  - id: mesh
    match: { class: [workload] }
    bounds:
      trustDomains: corp.example
      ttl: { min: 2h, max: 1h, default: 3h }
      usages: [sign]
  - id: mesh
    conditions: [{ id: c, expression: "request.nmespace == 'a'", message: m }]
    mode: Enforce`);
    assert.deepEqual(problemsOf(text), [
      '5:1 validty: is no field here; did you mean validity?',
      '8:14 rules.mesh.match.class: is no field here; did you mean classes?',
      '9:5 rules.mesh.bounds.spiffeId: is required',
      '9:5 rules.mesh.bounds.keys: is required',
      '10:7 rules.mesh.bounds.trustDomains: must be a list',
      '11:14 rules.mesh.bounds.ttl.min: is longer than max',
      '11:32 rules.mesh.bounds.ttl.default: is not between min and max',
      '12:16 rules.mesh.bounds.usages.0: must be one of digitalSignature, keyEncipherment, serverAuth, clientAuth',
      '13:5 rules.mesh.id: names mesh a second time',
      '14:27 rules.mesh.conditions.c.expression: does not type-check: No such key: nmespace (at character 9)',
      '15:5 rules.mesh.mode: must be one of enforce, audit, off; did you mean enforce?',
    ]);
  });
});

describe('The place of a field', () => {
  const document = onlyDocument(`# a comment
${bundleText(`rules:
  - id: "0"
    locked: true
  - bounds: ${BOUNDS}
    id: mesh`)}`);
  const at = (...path: (string | number)[]): string => {
    const { line, column } = document.locate(path);
    return `${line}:${column}`;
  };

  it('is where its key begins', () => assert.equal(at('metadata', 'sequence'), '4:25'));
  it('is that of the document without a path', () => assert.equal(at(), '2:1'));
  it('is where an entry of a list begins', () => assert.equal(at('rules', 1), '9:5'));
  it('is found by the id of an entry, wherever the id stands', () => {
    assert.equal(at('rules', 'mesh', 'bounds', 'keys'), at('rules', 1, 'bounds', 'keys'));
    assert.equal(at('rules', 'mesh', 'id'), '12:5');
  });
  it('is found by the number that an id looks like only when no entry has the id', () => {
    assert.equal(at('rules', '0', 'locked'), '8:5');
    assert.equal(at('rules', '1'), '9:5');
  });
  it('is that of the innermost part that is written', () => {
    assert.equal(at('rules', 'mesh', 'deny', 'namespaces'), '9:5');
    assert.equal(at('rules', 'other', 'mode'), '6:1');
  });
});
