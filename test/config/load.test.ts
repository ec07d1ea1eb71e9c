import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadConfig, type ConfigSources } from '../../src/config/load.ts';
import { isWithin, RENAMED_KEYS } from '../../src/config/renamed-keys.ts';
import type { Config } from '../../src/config/schema.ts';
import { KEYS } from '../../src/config/sources.ts';
import { yamlSource } from '../../src/config/yaml-source.ts';

/** Values for every key that has no default. */
const NEEDED = {
  'issuer.chainFile': 'issuer.pem',
  'issuer.keyFile': 'issuer-key.pem',
  'trustAnchors.file': 'root-cert.pem',
  'policy.bundle.file': 'bundle.yaml',
  'policy.bundle.keys': ['security.pem'],
  'policy.bundle.stateFile': 'bundle-state.json',
  'journal.store': 'journal.db',
};

const folder = mkdtempSync(path.join(tmpdir(), 'capstan-config-'));
const file = path.join(folder, 'capstan.yaml');

/** Loads with the needed values given, and `yaml` as the file. */
function load(yaml: string, sources: Omit<ConfigSources, 'file' | 'given'> = {}) {
  writeFileSync(file, yaml);
  return loadConfig({ given: NEEDED, file, ...sources });
}

function sound(loaded: ReturnType<typeof loadConfig>): Config {
  if ('problems' in loaded) assert.fail(JSON.stringify(loaded.problems));
  return loaded.config;
}

/** `line:column path: message`, for short. */
function problems(loaded: ReturnType<typeof loadConfig>): readonly string[] {
  if (!('problems' in loaded)) assert.fail('the configuration is valid');
  return loaded.problems.map(({ where, path: key, message }) => `${where.replace(`${file}:`, '')} ${key}: ${message}`);
}

describe('The configuration', () => {
  after(() => rmSync(folder, { recursive: true }));

  it('needs only the files that no default can know', () => {
    const config = sound(loadConfig({ given: NEEDED }));
    assert.deepEqual(config.listen.tls.address, { host: '127.0.0.1', port: 15012 });
    assert.equal(config.lifetimes.default, 3_600_000);
    assert.equal(config.sds.socketMode, 0o600);
    assert.equal(config.listen.plaintext.address, undefined);
    const missing = [
      'journal.store',
      'issuer.chainFile',
      'issuer.keyFile',
      'trustAnchors.file',
      'policy.bundle.file',
      'policy.bundle.keys',
    ];
    assert.deepEqual(
      problems(loadConfig({})).map((problem) => /^\S+ (\S+):/.exec(problem)?.[1]),
      missing,
    );
  });

  it('believes a flag before the environment, the environment before the file, the file before what is built in', () => {
    const yaml = 'sds: { ttl: 2h, maxStreams: 2, keyType: ec-p384 }';
    const environment = { CAPSTAN_SDS_TTL: '3h', CAPSTAN_SDS_MAX_STREAMS: '3' };
    const { sds } = sound(load(yaml, { environment, flags: { 'sds.ttl': '4h' } }));
    assert.deepEqual([sds.ttl, sds.maxStreams, sds.keyType], [4 * 3_600_000, 3, 'ec-p384']);
    writeFileSync(file, 'policy: { directory: mine }');
    assert.equal(sound(loadConfig({ given: NEEDED, file })).policy.directory, 'mine');
  });

  it('lets nobody but dev mode accept an unsigned policy bundle', () => {
    const unsigned = { ...NEEDED, 'policy.bundle.keys': [], 'policy.bundle.unsigned': true };
    assert.equal(sound(loadConfig({ given: unsigned })).policy.bundle.unsigned, true);
    assert.deepEqual(problems(load('policy: { bundle: { unsigned: true } }')), [
      '1:31 policy.bundle.unsigned: is set by `serve --dev` alone',
    ]);
    const environment = { CAPSTAN_POLICY_BUNDLE_UNSIGNED: 'true' };
    assert.match(problems(load('', { environment }))[0] ?? '', /CAPSTAN_POLICY_BUNDLE_UNSIGNED .*is no setting/);
  });

  it('reads lists, numbers and truth values from text', () => {
    const config = sound(
      load('', {
        environment: { CAPSTAN_SERVING_DNS_NAMES: 'a.example.test, b.example.test', CAPSTAN_SERVING_IP_ADDRESSES: '' },
        flags: { 'sds.spiffeValidator': 'true', 'telemetry.traces.sampleRatio': '0.5' },
      }),
    );
    assert.deepEqual(config.serving.dnsNames, ['a.example.test', 'b.example.test']);
    assert.deepEqual(config.serving.ipAddresses, []);
    assert.equal(config.sds.spiffeValidator, true);
    assert.equal(config.telemetry.traces.sampleRatio, 0.5);
  });

  it('refuses a plain word or number that Kubernetes would read differently, and says how to write it', () => {
    const yaml = "sds: { socketMode: 0660, spiffeValidator: yes }\nlifetimes: { jitterPercent: 1_0, max: '24h' }";
    const { problems } = load(yaml) as { problems: readonly { path: string; message: string }[] };
    const told = problems.map(({ path, message }) => `${path} ${message}`);
    assert.deepEqual(told.slice(0, 3), [
      'sds.socketMode is 432 to Kubernetes and 660 to YAML 1.2: write 432, or put it in quotes',
      "sds.spiffeValidator is true to Kubernetes and the text 'yes' to YAML 1.2: write true, or put it in quotes",
      "lifetimes.jitterPercent is 10 to Kubernetes and the text '1_0' to YAML 1.2: write 10, or put it in quotes",
    ]);
  });

  it('turns what it reads into domain values and lets nobody change them', () => {
    const yaml = `
authentication: { tokens: { issuers: [{ issuer: kubernetes, keys: { discovery: true } }] } }
sds: { sockets: [{ path: /run/a.sock, namespace: default, serviceAccount: a, mode: '0660' }] }
listen: { tls: { address: '[::1]:0' } }`;
    const config = sound(load(yaml));
    assert.deepEqual(config.authentication.tokens.issuers, [
      {
        issuer: 'kubernetes',
        audiences: ['istio-ca'],
        keys: { from: 'discovery' },
        algorithms: ['RS256', 'ES256'],
        clockSkew: 30_000,
      },
    ]);
    assert.equal(config.sds.sockets[0]?.mode, 0o660);
    assert.deepEqual(config.listen.tls.address, { host: '::1', port: 0 });
    assert.throws(() => ((config.listen.tls.address as { port: number }).port = 1), TypeError);
  });

  it('is plain data, which a supervisor hands to its workers', () => {
    const yaml = 'cluster: { kubernetes: { publish: { rootConfigMap: { namespaceSelector: "mesh=on,!legacy" } } } }';
    const config = sound(load(yaml));
    assert.deepEqual(structuredClone(config), config);
  });

  it('reads address ranges, and one address as a range of its own', () => {
    const given = sound(load("listen: { gateways: [10.0.0.0/8, 192.0.2.7, '2001:db8::/32'] }"));
    assert.deepEqual(given.listen.gateways, [
      { address: '10.0.0.0', prefix: 8 },
      { address: '192.0.2.7', prefix: 32 },
      { address: '2001:db8::', prefix: 32 },
    ]);
    for (const wrong of ['10.0.0.0/33', '10.0.0.0/8/1', 'gateway', '10.0.0.0/', '/8']) {
      assert.match(
        problems(load(`listen: { gateways: ['${wrong}'] }`)).join(),
        /is not an address range such as/,
        wrong,
      );
    }
  });

  it('refuses a trust domain with an empty label, saying who cannot read it', () => {
    for (const text of ['.a', 'a.', 'a..b']) {
      assert.match(
        problems(load(`trustDomain: ${text}`))[0] ?? '',
        /trustDomain: "[ab.]+" has an empty label: Go's crypto\/x509/,
      );
    }
  });

  it('reports every problem of every source at once, with its place', () => {
    const yaml = 'trustDomain: UP\nlisten:\n  maxConnections: 0\nlifetimes: { max: 1w }\n';
    const environment = { CAPSTAN_SDS_RENEW_AT: '1' };
    assert.deepEqual(problems(load(yaml, { environment, flags: { 'journal.retention': '1s' } })), [
      '1:14 trustDomain: "UP" is not a trust domain: lower-case letters, digits, dots, dashes, underscores',
      '3:19 listen.maxConnections: must be a whole number, 1 to 1000000',
      '4:19 lifetimes.max: "1w" is not a whole number followed by s, m, h or d, such as 30s, 10m, 1h or 7d',
      'CAPSTAN_SDS_RENEW_AT sds.renewAt: must be a number, 0.1 to 0.9',
      '--journal-retention journal.retention: 1s is outside 1h to 36500d',
    ]);
  });

  it('refuses unknown keys and suggests the nearest known one', () => {
    assert.deepEqual(problems(load('listen: { tls: { adress: 1 } }\nsds: { tll: 1h }\nzzzzzzzzzz: 1')).slice(0, 2), [
      '1:18 listen.tls.adress: unknown key; did you mean listen.tls.address?',
      '2:8 sds.tll: unknown key; did you mean sds.ttl?',
    ]);
    assert.match(problems(load('zzzzzzzzzz: 1'))[0] ?? '', /^1:1 zzzzzzzzzz: unknown key; known keys: trustDomain, /);
    assert.match(problems(load('__proto__: 1'))[0] ?? '', /^1:1 __proto__: is no name for a field$/);
    assert.deepEqual(problems(load('', { environment: { CAPSTAN_SDS_TLL: '1h' } })), [
      'CAPSTAN_SDS_TLL : is no setting; did you mean CAPSTAN_SDS_TTL?',
    ]);
    assert.deepEqual(problems(loadConfig({ given: { ...NEEDED, 'sds.tll': '1h' } })), [
      'built in sds.tll: unknown key; did you mean sds.ttl?',
    ]);
  });

  it('refuses a key that was renamed by its new name, wherever it is written', () => {
    const environment = { CAPSTAN_LISTEN_UNPROVEN_TIMEOUT: '10s' };
    const flags = { 'listen.unprovenShare': '1' };
    assert.deepEqual(problems(load('listen: { unprovenShare: 0.5 }', { environment, flags })), [
      '1:11 listen.unprovenShare: is called listen.unauthenticatedShare since 0.2.0; `capstan config migrate` rewrites the file',
      'CAPSTAN_LISTEN_UNPROVEN_TIMEOUT : is called CAPSTAN_LISTEN_UNAUTHENTICATED_TIMEOUT since 0.2.0',
      '--listen-unproven-share : is called --listen-unauthenticated-share since 0.2.0',
    ]);
  });

  it('names for each renamed key one that is in use, and takes no name from a key in use', () => {
    const isUsed = (name: string) => [...KEYS.keys()].some((key) => isWithin(key, name));
    for (const { old, now } of RENAMED_KEYS) {
      assert.ok(isUsed(now), `${now} is no key or section`);
      assert.ok(!isUsed(old), `${old} is in use`);
    }
  });

  it('leaves alone what Kubernetes puts into the environment for a Service', () => {
    const environment = {
      CAPSTAN_SERVICE_HOST: '10.0.0.1',
      CAPSTAN_SERVICE_PORT: '15012',
      CAPSTAN_SERVICE_PORT_GRPC_TLS: '15012',
      CAPSTAN_PORT: 'tcp://10.0.0.1:15012',
      CAPSTAN_PORT_15012_TCP: 'tcp://10.0.0.1:15012',
      CAPSTAN_PORT_15012_TCP_PROTO: 'tcp',
      CAPSTAN_METRICS_PORT_15014_TCP_ADDR: '10.0.0.1',
    };
    sound(load('', { environment }));
  });

  it('never quotes a value that may carry a credential', () => {
    const found = problems(load('telemetry: { traces: { endpoint: "ftp://me:hunter2@collector.test" } }'));
    assert.deepEqual(found, ['1:34 telemetry.traces.endpoint: must be an http or https URL']);
  });

  it('stops at a file that is not YAML, and calls nothing missing because of it', () => {
    for (const [yaml, problem] of [
      ['listen: {', /^\d+:\d+ : Flow map/],
      [`listen: ${'['.repeat(100_000)}`, /^1:\d+ : is nested deeper than 64 levels$/],
      ['sds: { ttl: 1h }\nsds: { ttl: 2h }', /^2:1 sds: is written twice$/],
      [
        'trustDomain: &x a\npolicy: { directory: *x }',
        /^2:22 policy\.directory: uses a YAML alias, which a configuration must not$/,
      ],
    ] as const) {
      writeFileSync(file, yaml);
      const found = problems(loadConfig({ file }));
      assert.match(found[0] ?? '', problem);
      assert.ok(!found.some((line) => line.includes('is required')), found.join('\n'));
    }
    assert.deepEqual(problems(loadConfig({ file: path.join(folder, 'none.yaml') })).length, 1);
  });

  it('takes an empty file, and a section without keys, for nothing said', () => {
    sound(load(''));
    sound(load('# nothing\nlisten:\n'));
    assert.deepEqual(problems(load('listen: 5')), ['1:9 listen: must be a mapping of keys']);
    assert.deepEqual(problems(load('- listen')), ['1:1 : must be a mapping of keys']);
  });

  it('keeps the spelling of a text that YAML would take for a number', () => {
    const { entries } = yamlSource('trustDomain: 1.10', 'x');
    assert.equal(entries.get('trustDomain')?.value, '1.10');
  });

  it('says of a file that ends in a separator what to take away, and names no function of a library', () => {
    const file = path.join(import.meta.dirname, '../vectors/cases/poor-messages/enddoc.yaml');
    const loaded = loadConfig({ file });
    assert.ok('problems' in loaded);
    const words = loaded.problems.map(({ message }) => message).join();
    assert.match(words, /begins another YAML document; a configuration is one, so take the line --- away/);
    assert.doesNotMatch(words, /YAML\./);
  });
});
