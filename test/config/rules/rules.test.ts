import assert from 'node:assert/strict';
import { loadConfig } from '../../../src/config/load.ts';

const NEEDED = {
  'issuer.chainFile': 'issuer.pem',
  'issuer.keyFile': 'issuer-key.pem',
  'trustAnchors.file': 'root-cert.pem',
  'policy.bundle.file': 'bundle.yaml',
  'policy.bundle.keys': ['security.pem'],
  'policy.bundle.stateFile': 'bundle-state.json',
  'journal.store': 'journal.db',
};
const socket = { path: '/run/a.sock', namespace: 'default', serviceAccount: 'a' };
/** What a journal that is no file asks for. */
const beside = { 'listen.administration.socket': '/run/capstan/admin.sock' };
const gold = { name: 'gold', chainFile: 'gold.pem', keyFile: 'gold-key.pem' };
const PUBLISH = 'cluster.kubernetes.publish';
const issuer = { issuer: 'kubernetes', keys: { discovery: true } };

const REQUESTERS = 'cluster.kubernetes.signers.certificateSigningRequests.requesters';
const ISTIOD = 'system:serviceaccount:istio-system:istiod';
const inCluster = { 'cluster.kubernetes.from': 'inCluster' };

const people = { 'listen.administration.clientCaFile': 'people.pem' };
const web = { 'trustAnchors.endpoint.certificateFile': 'web.pem', 'trustAnchors.endpoint.keyFile': 'web-key.pem' };

const token = { module: '/usr/lib/hsm.so', tokenLabel: 'mesh', keyLabel: 'issuer', pinFile: 'pin' };
const noFiles = { 'issuer.chainFile': undefined, 'issuer.keyFile': undefined };
const TOKENS: readonly (readonly [more: object, problem: string])[] = [
  [{ slot: 0 }, ' must name the token by `tokenLabel` or by `slot`'],
  [{ keyLabel: undefined }, ' must name the key by `keyLabel`, `keyId` or both'],
  [{ keyId: '1' }, '.keyId must be the CKA_ID in hex, such as 01 or a1b2'],
  [{ pinFile: undefined }, ' must say by `pinFile` or by `pinEnv` where the PIN is'],
  [
    { pinFile: undefined, pinEnv: 'CAPSTAN_PIN' },
    '.pinEnv must be the name of an environment variable, not one that begins with CAPSTAN_',
  ],
  [{ pins: '1234' }, ' unknown key "pins"; known keys: module, tokenLabel, slot, keyLabel, keyId, pinFile, pinEnv'],
];

const transit = { address: 'https://bao.example:8200', caFile: 'bao-ca.pem', key: 'mesh', tokenFile: 'token' };
const TRANSIT: readonly (readonly [more: object, problem: string])[] = [
  [{ address: 'http://bao.example:8200' }, '.address must be an https URL'],
  [{ key: '../other' }, '.key must be a name of letters, digits, dashes, underscores and dots'],
  [{ mount: '/transit' }, '.mount must be the path of a mount, such as pki or mesh/pki, without a slash at its ends'],
  [{ tokenFile: undefined }, ' must have one of `tokenFile`, `appRole` and `kubernetes`'],
  [{ kubernetes: { role: 'capstan' } }, ' must have one of `tokenFile`, `appRole` and `kubernetes`'],
];
const pki = { address: 'https://bao.example:8200', caFile: 'bao-ca.pem', mount: 'pki', tokenFile: 'token' };
const signedBy = (upstream: object) => ({ ...noFiles, 'issuer.directory': 'issuer', 'issuer.upstream': upstream });
const byCertManager = signedBy({ certManager: { issuer: { name: 'corporate' } } });

/** Each with the other listener that has it by default, or beside it. */
const SAME_ADDRESS = (
  [
    ['listen.http', '127.0.0.1:15012', 'listen.tls'],
    ['listen.plaintext', '127.0.0.1:15012', 'listen.tls'],
    ['listen.http', '0.0.0.0:15012', 'listen.tls'],
    ['listen.tls', '[::]:15014', 'listen.http'],
    ['listen.metrics', '0.0.0.0:15014', 'listen.http', { 'listen.metrics.tokenFile': 'tokens' }],
    ['listen.administration', '127.0.0.1:15012', 'listen.tls', people],
    ['listen.console', '0.0.0.0:15014', 'listen.http', people],
    ['trustAnchors.endpoint', '127.0.0.1:15014', 'listen.http', web],
    ['crl', 'localhost:80', 'listen.http', { 'listen.http.address': 'localhost:80' }],
    ['cluster.kubernetes.admission', '0.0.0.0:15012', 'listen.tls', inCluster],
  ] as const
).map(([name, address, other, more = {}]): readonly [Readonly<Record<string, unknown>>, string] => {
  const [later, earlier] = name === 'listen.tls' ? [other, name] : [name, other];
  return [{ ...more, [`${name}.address`]: address }, `${later}.address is taken by ${earlier}.address too`];
});

/** What is given, and the problem that follows. */
const BROKEN: readonly (readonly [given: Readonly<Record<string, unknown>>, problem: string])[] = [
  [
    { 'audit.keyFile': 'heads-key.pem', 'audit.pkcs11': token },
    'audit.pkcs11 must be absent with audit.keyFile: a key is in one place',
  ],
  [
    { 'audit.pkcs11': token, 'audit.transit': transit },
    'audit.transit must be absent with audit.pkcs11: a key is in one place',
  ],
  [{ 'audit.keyPassphraseFile': 'passphrase' }, 'audit.keyPassphraseFile is of no use without audit.keyFile'],
  [
    { 'audit.keyFile': 'heads-key.pem', 'audit.keyPassphraseFile': 'passphrase', 'audit.keyPassphraseEnv': 'HEADS' },
    'audit.keyPassphraseEnv must be absent with audit.keyPassphraseFile',
  ],
  [
    { 'audit.keyFile': 'heads-key.pem', 'audit.witness.tokenFile': 'token' },
    'audit.witness.tokenFile is of no use without audit.witness.url',
  ],
  [
    { 'audit.witness.file': 'heads.jsonl' },
    'audit.witness.file needs a key of heads (audit.keyFile, audit.pkcs11 or audit.transit): without one there are none',
  ],
  [
    { 'issuer.directory': 'cacerts', 'issuer.keyFile': undefined },
    'issuer.chainFile must be absent with `directory`, which has both',
  ],
  [{ 'issuer.chainFile': undefined }, 'issuer.chainFile is required: a file path, `directory` or `upstream`'],
  [
    { 'issuer.keyFile': undefined },
    'issuer.keyFile is required: a file path, or `directory`, `pkcs11`, `transit` or `upstream`',
  ],
  [
    { 'issuer.keyPassphraseFile': 'passphrase', 'issuer.keyPassphraseEnv': 'PASSPHRASE' },
    'issuer.keyPassphraseEnv must be absent with `keyPassphraseFile`',
  ],
  [
    { additionalIssuers: [{ name: 'gold', chainFile: 'gold.pem' }] },
    'additionalIssuers[0].keyFile is required: a file path, or `directory`, `pkcs11`, `transit` or `upstream`',
  ],
  [
    { additionalIssuers: [{ ...gold, directory: 'gold', keyFile: undefined }] },
    'additionalIssuers[0].chainFile must be absent with `directory`, which has both',
  ],
  [{ 'issuer.pkcs11': token }, 'issuer.keyFile must be absent with `pkcs11`: the key is in a token'],
  [
    { 'issuer.pkcs11': token, ...noFiles, 'issuer.directory': 'cacerts' },
    'issuer.directory must be absent with `pkcs11`: give `chainFile`',
  ],
  [
    { 'issuer.pkcs11': token, 'issuer.keyFile': undefined, 'issuer.keyPassphraseFile': 'passphrase' },
    'issuer.keyPassphraseFile must be absent with `pkcs11`: a token has a PIN',
  ],
  ...TOKENS.map(
    ([more, problem]) =>
      [{ 'issuer.pkcs11': { ...token, ...more }, 'issuer.keyFile': undefined }, `issuer.pkcs11${problem}`] as const,
  ),
  [{ 'issuer.transit': transit }, 'issuer.keyFile must be absent with `transit`: the key is there'],
  [
    { 'issuer.transit': transit, 'issuer.pkcs11': token, 'issuer.keyFile': undefined },
    'issuer.transit must be absent with `pkcs11`: a key is in one place',
  ],
  [
    { 'issuer.transit': transit, ...noFiles, 'issuer.directory': 'cacerts' },
    'issuer.directory must be absent with `transit`: give `chainFile`',
  ],
  ...TRANSIT.map(
    ([more, problem]) =>
      [{ 'issuer.transit': { ...transit, ...more }, 'issuer.keyFile': undefined }, `issuer.transit${problem}`] as const,
  ),
  [{ 'trustAnchors.file': undefined }, 'trustAnchors.file is required: a file path, or `issuer.directory`'],
  [
    { ...inCluster, 'cluster.manifests': 'manifests' },
    'cluster.manifests must be absent with cluster.kubernetes.from: the cluster is described in one place',
  ],
  [{ 'cluster.kubernetes.from': 'kubeconfig' }, 'cluster.kubernetes.kubeconfig is required with from: kubeconfig'],
  [
    { ...inCluster, 'cluster.kubernetes.kubeconfig': 'config' },
    'cluster.kubernetes.kubeconfig must be absent unless cluster.kubernetes.from is kubeconfig',
  ],
  [
    { 'cluster.kubernetes.context': 'main' },
    'cluster.kubernetes.context must be absent unless cluster.kubernetes.from is kubeconfig',
  ],
  [byCertManager, 'issuer.upstream needs cluster.kubernetes.from: cert-manager is asked through the API server'],
  [
    {
      additionalIssuers: [
        { name: 'gold', directory: 'gold', upstream: { certManager: { issuer: { name: 'corporate' } } } },
      ],
    },
    'additionalIssuers[0].upstream needs cluster.kubernetes.from: cert-manager is asked through the API server',
  ],
  [
    { ...inCluster, ...signedBy({ certManager: { issuer: { name: 'Corporate' } } }) },
    'issuer.upstream.certManager.issuer.name "Corporate" is not the name of an object of Kubernetes',
  ],
  ...(['issuer.chainFile', 'issuer.keyFile'] as const).map(
    (field) =>
      [
        { ...noFiles, 'issuer.upstream': { vault: pki }, [field]: 'file.pem' },
        `${field} must be absent with \`upstream\`, which keeps key and certificate in memory, or in \`directory\` where that is given`,
      ] as const,
  ),
  [{ ...inCluster, ...signedBy({}) }, 'issuer.upstream must name one of vault, certManager'],
  [
    { 'cluster.remote.directory': 'remote' },
    'cluster.remote.directory needs cluster.kubernetes.from: further clusters stand beside the own one',
  ],
  [
    { 'cluster.remote.secrets.namespace': 'istio-system' },
    'cluster.remote.secrets.namespace needs cluster.kubernetes.from: further clusters stand beside the own one',
  ],
  [
    { 'lifetimes.default': '2h', 'lifetimes.max': '1h', 'sds.ttl': '1h' },
    'lifetimes.default must not be longer than lifetimes.max',
  ],
  [{ 'sds.ttl': '25h' }, 'sds.ttl must not be longer than lifetimes.max'],
  [{ 'lifetimes.min': '31m', 'sds.ttl': '30m' }, 'lifetimes.min must not be longer than sds.ttl'],
  [{ 'lifetimes.min': '31m', 'serving.ttl': '30m' }, 'lifetimes.min must not be longer than serving.ttl'],
  [{ 'lifetimes.min': '31m', 'lifetimes.default': '30m' }, 'lifetimes.min must not be longer than lifetimes.default'],
  [{ 'sds.ttl': '2m' }, 'lifetimes.backdate must be less than a quarter of sds.ttl'],
  [{ 'lifetimes.default': '4m' }, 'lifetimes.backdate must be less than a quarter of lifetimes.default'],
  [{ 'serving.ttl': '1m' }, 'lifetimes.backdate must be less than a quarter of serving.ttl'],
  [
    { [`${PUBLISH}.istiodTls.ttl`]: '2m' },
    `lifetimes.backdate must be less than a quarter of ${PUBLISH}.istiodTls.ttl`,
  ],
  [
    { 'lifetimes.min': '31m', [`${PUBLISH}.istiodTls.ttl`]: '30m' },
    `lifetimes.min must not be longer than ${PUBLISH}.istiodTls.ttl`,
  ],
  [
    { [`${PUBLISH}.rootConfigMap.enabled`]: true },
    `${PUBLISH}.rootConfigMap.enabled needs cluster.kubernetes.from: what is published is written through the API server`,
  ],
  [
    { [`${PUBLISH}.istiodTls.namespace`]: 'istio-system' },
    `${PUBLISH}.istiodTls.namespace needs cluster.kubernetes.from: what is published is written through the API server`,
  ],
  [
    { [`${PUBLISH}.clusterTrustBundles`]: [{ signerName: 'capstan.dev/mesh', name: 'roots' }] },
    `${PUBLISH}.clusterTrustBundles needs cluster.kubernetes.from: what is published is written through the API server`,
  ],
  [
    {
      'cluster.kubernetes.from': 'inCluster',
      [`${PUBLISH}.clusterTrustBundles`]: [
        { signerName: 'capstan.dev/mesh', name: 'roots' },
        { signerName: 'capstan.dev/mesh', name: 'roots' },
      ],
    },
    `${PUBLISH}.clusterTrustBundles[1].name is the name of another one too`,
  ],
  [
    { 'listen.metrics.address': '0.0.0.0:15018' },
    'listen.metrics.address needs something that scrapers are known by: listen.metrics.tokenFile, or listen.administration.clientCaFile',
  ],
  [{ 'listen.metrics.tokenFile': '/token' }, 'listen.metrics.tokenFile has no effect without listen.metrics.address'],
  [
    { 'listen.metrics.readers': ['CN:scraper'], 'listen.administration.clientCaFile': '/people.pem' },
    'listen.metrics.readers has no effect without listen.metrics.address',
  ],
  [
    {
      'listen.metrics.readers': ['CN:scraper'],
      'listen.metrics.address': '0.0.0.0:15018',
      'listen.metrics.tokenFile': '/token',
    },
    'listen.metrics.readers needs listen.administration.clientCaFile: who signs the client certificates that it names',
  ],
  [
    { 'serving.dnsNames': [], 'serving.ipAddresses': [] },
    'serving.dnsNames must name one host, here or in serving.ipAddresses: clients verify it',
  ],
  [
    { additionalIssuers: [{ ...gold, name: 'default' }] },
    'additionalIssuers[0].name is the name of another issuer too',
  ],
  [{ additionalIssuers: [gold, gold] }, 'additionalIssuers[1].name is the name of another issuer too'],
  [{ additionalIssuers: [{ ...gold, maxTtl: '5s' }] }, 'additionalIssuers[0].maxTtl is shorter than lifetimes.min'],
  [{ 'authentication.tokens.issuers': [issuer, issuer] }, 'authentication.tokens.issuers[1].issuer is listed twice'],
  [{ 'cluster.kubernetes.policies': true }, 'cluster.kubernetes.policies needs cluster.kubernetes.from'],
  [
    { 'cluster.kubernetes.admission.address': '0.0.0.0:15017' },
    'cluster.kubernetes.admission.address needs cluster.kubernetes.from',
  ],
  [
    { 'policy.bundle.file': undefined, 'policy.bundle.from.name': 'capstan-bundle' },
    'policy.bundle.from.name needs cluster.kubernetes.from',
  ],
  [{ 'cluster.kubernetes.events': true }, 'cluster.kubernetes.events needs cluster.kubernetes.from'],
  [
    { 'cluster.kubernetes.from': 'inCluster', 'cluster.kubernetes.policies': true, 'policy.directory': '/policies' },
    'cluster.kubernetes.policies must be off with policy.directory: local policies are in one place',
  ],
  [
    { 'authentication.clientCertificates': false },
    'authentication.tokens.issuers must name an issuer: with client certificates off and no SDS socket, no caller can be authenticated',
  ],
  [
    { [REQUESTERS]: [ISTIOD] },
    `${REQUESTERS} needs cluster.kubernetes.from: there is no API server to ask for requests`,
  ],
  [
    { ...inCluster, [REQUESTERS]: ['system:serviceaccount:Istio:istiod'] },
    `${REQUESTERS}[0] has a namespace that is not an RFC 1123 label`,
  ],
  [
    { ...inCluster, [REQUESTERS]: [ISTIOD], 'issuer.name': 'Gold' },
    'issuer.name must be lower-case letters, digits, dots and dashes, for it is the name of a signer of Kubernetes',
  ],
  [
    { ...inCluster, [REQUESTERS]: [ISTIOD], additionalIssuers: [{ ...gold, name: 'gold_2' }] },
    'additionalIssuers[0].name must be lower-case letters, digits, dots and dashes, for it is the name of a signer of Kubernetes',
  ],
  [
    { ...inCluster, [REQUESTERS]: ['kubernetes-admin'] },
    `${REQUESTERS}[0] must be system:serviceaccount:<namespace>:<name>`,
  ],
  [
    { 'cluster.kubernetes.signers.podCertificates': true },
    'cluster.kubernetes.signers.podCertificates needs cluster.kubernetes.from: there is no API server to ask for requests',
  ],
  [
    {
      ...inCluster,
      'cluster.kubernetes.signers.podCertificates': true,
      'lifetimes.max': '30m',
      'lifetimes.default': '30m',
      'sds.ttl': '30m',
    },
    'cluster.kubernetes.signers.podCertificates needs lifetimes.max to be an hour or more: the API server takes no shorter certificate',
  ],
  [
    { 'sds.sockets': [socket, { ...socket, serviceAccount: 'b' }] },
    'sds.sockets[1].path is the path of another socket too',
  ],
  [
    { 'sds.sockets': [{ ...socket, namespace: 'Shop' }] },
    'sds.sockets[0] has a namespace that is not an RFC 1123 label',
  ],
  [{ 'sds.sockets': [{ ...socket, path: '/'.repeat(108) }] }, 'sds.sockets[0].path must be a path of 1 to 107 bytes'],
  [
    { 'journal.store': 'postgres://capstan@db.example.test/capstan', ...beside },
    'journal.postgres.caFile is required: what is said to a PostgreSQL on another machine goes over TLS, verified with this CA',
  ],
  [
    { 'journal.store': 'postgres://capstan@127.0.0.1/capstan', ...beside, 'journal.postgres.statementTimeout': '3s' },
    'journal.postgres.statementTimeout must be less than half of listen.requestTimeout: a record that was lost on its way is sent once more',
  ],
  [
    { 'journal.store': 'postgres://capstan@%2Frun%2Fpostgresql/capstan' },
    'listen.administration.socket is required with a journal in PostgreSQL: there is no file that it could be beside',
  ],
  ...SAME_ADDRESS,
  [
    { 'listen.plaintext.address': 'localhost:15010' },
    'listen.plaintext.address "localhost" is not a loopback address; plaintext stays on this machine',
  ],
  [{ 'listen.tls.address': '15012' }, 'listen.tls.address "15012" is not host:port, such as 127.0.0.1:15012'],
  [
    { 'authentication.tokens.issuers': [{ ...issuer, algorithms: ['HS256'] }] },
    'authentication.tokens.issuers[0].algorithms[0] must be one of RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA',
  ],
  [
    { 'authentication.tokens.issuers': [{ ...issuer, keys: { url: 'https://me:pw@keys.test' } }] },
    'authentication.tokens.issuers[0].keys.url must not carry a user name or password',
  ],
  [
    { 'authentication.maxProofAge.gateway': '31d' },
    'journal.retention must not be shorter than authentication.maxProofAge.gateway: a renewal by certificate is judged by the records in the journal',
  ],
  [
    { 'lifetimes.max': '40d' },
    'journal.retention must not be shorter than lifetimes.max: a renewal by certificate is judged by the records in the journal',
  ],
  [
    { 'authentication.maxProofAge.workload': 'off' },
    'authentication.maxProofAge.workload "off" is not a whole number followed by s, m, h or d, such as 30s, 10m, 1h or 7d',
  ],
  [
    { 'authentication.furtherIssuersFile': 'others.pem' },
    'authentication.furtherIssuersFile has no effect while every authentication.maxProofAge is limited: what others issued is in no journal here',
  ],
  [
    { 'policy.bundle.file': undefined },
    'policy.bundle.file one of a file, a URL and an object of the cluster must say where the bundle is',
  ],
  [
    { 'policy.bundle.url': 'https://policy.test/b', 'policy.bundle.caFile': 'ca.pem' },
    'policy.bundle.file one of a file, a URL and an object of the cluster must say where the bundle is',
  ],
  [{ 'policy.bundle.keys': [] }, 'policy.bundle.keys must name one: unsigned bundles are for `serve --dev` alone'],
  [
    { 'trustAnchors.federated': [{ trustDomain: 'cluster.local', file: 'b.pem' }] },
    "trustAnchors.federated[0].trustDomain is this mesh's own; its anchors are in trustAnchors.file",
  ],
  [
    {
      'trustAnchors.federated': [
        { trustDomain: 'b.test', file: 'b.pem' },
        { trustDomain: 'b.test', file: 'c.pem' },
      ],
    },
    'trustAnchors.federated[1].trustDomain is listed twice',
  ],
  [{ 'policy.bundle.threshold': 2 }, 'policy.bundle.threshold is more than there are keys'],
  [{ 'policy.bundle.stateFile': undefined }, 'policy.bundle.stateFile is required, so that an older bundle is refused'],
  [
    { 'policy.bundle.file': undefined, 'policy.bundle.url': 'https://policy.test/b' },
    'policy.bundle.caFile is required with policy.bundle.url',
  ],
  [{ 'policy.bundle.url': 'http://policy.test/b' }, 'policy.bundle.url must be an https URL'],
  [{ 'cluster.labels': { env: 1 } }, 'cluster.labels.env must be text; write numbers and truth values in quotes'],
  [
    { 'authentication.tokens.issuers': [{ ...issuer, keys: {} }] },
    'authentication.tokens.issuers[0].keys must be one of { discovery: true }, { url: … } or { file: … }',
  ],
  [
    { 'authentication.tokens.issuers': [{ ...issuer, audiences: [] }] },
    'authentication.tokens.issuers[0].audiences must name one',
  ],
];

describe('The rules of the configuration', () => {
  for (const [given, problem] of BROKEN) {
    it(`say: ${problem}`, () => {
      const loaded = loadConfig({ given: { ...NEEDED, ...given } });
      assert.deepEqual('problems' in loaded && loaded.problems.map(({ path, message }) => `${path} ${message}`), [
        problem,
      ]);
    });
  }

  it('let two listeners ask for any free port', () => {
    const given = { ...NEEDED, 'listen.tls.address': '127.0.0.1:0', 'listen.http.address': '127.0.0.1:0' };
    assert.ok(!('problems' in loadConfig({ given })));
  });

  it('let records go sooner when nobody is judged by them', () => {
    const brief = { ...NEEDED, 'journal.retention': '1h' };
    for (const given of [
      { ...brief, 'authentication.clientCertificates': false, 'sds.sockets': [socket] },
      {
        ...NEEDED,
        ...Object.fromEntries(
          ['workload', 'gateway', 'waypoint', 'controlPlane'].map((name) => [
            `authentication.maxProofAge.${name}`,
            'unlimited',
          ]),
        ),
        'journal.retention': '1d',
      },
    ])
      assert.ok(!('problems' in loadConfig({ given })));
  });

  it('let an additional issuer have its key in a token, or in a transit engine', () => {
    for (const place of [{ pkcs11: token }, { transit }]) {
      const given = { ...NEEDED, additionalIssuers: [{ ...gold, keyFile: undefined, ...place }] };
      assert.ok(!('problems' in loadConfig({ given })));
    }
  });

  it('let an issuer with an upstream have its key in memory, with nothing else said of where it is', () => {
    const upstream = { vault: pki };
    for (const given of [
      { ...noFiles, 'issuer.upstream': upstream },
      { additionalIssuers: [{ name: 'gold', upstream }] },
    ])
      assert.ok(!('problems' in loadConfig({ given: { ...NEEDED, ...given } })));
  });

  it('let one socket be the only way to prove an identity', () => {
    const given = { ...NEEDED, 'authentication.clientCertificates': false, 'sds.sockets': [socket] };
    assert.ok(!('problems' in loadConfig({ given })));
  });
});

describe('The warnings of the configuration', () => {
  it('name a trust domain that is no name in DNS', () => {
    for (const trustDomain of ['-x', 'a_b'])
      assert.deepEqual(warningsOf({ 'sds.sockets': [socket], trustDomain }), ['trustDomain']);
  });

  const warningsOf = (given: Readonly<Record<string, unknown>>) => {
    const loaded = loadConfig({ given: { ...NEEDED, ...given } });
    return 'warnings' in loaded && loaded.warnings.map(({ path }) => path);
  };

  it('are none while nobody asks for less than the defaults', () => {
    assert.deepEqual(warningsOf({ 'sds.sockets': [socket] }), []);
  });

  it('name metrics that nobody elsewhere can read', () => {
    const given = { 'sds.sockets': [socket], 'listen.http.address': '0.0.0.0:15014' };
    assert.deepEqual(warningsOf(given), ['listen.http.address']);
    const overTls = { 'listen.metrics.address': '0.0.0.0:15018', 'listen.metrics.tokenFile': '/token' };
    assert.deepEqual(warningsOf({ ...given, ...overTls }), []);
  });

  it('name each key whose consequence an operator should have meant', () => {
    const federated = [{ trustDomain: 'b.test', file: 'b.pem' }];
    const given = { 'sds.spiffeValidator': false, 'sds.keyType': 'ec-p384', 'trustAnchors.federated': federated };
    assert.deepEqual(warningsOf(given), ['sds.spiffeValidator', 'trustAnchors.federated', 'sds.keyType']);
  });
});
