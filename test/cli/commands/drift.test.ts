import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { parsePolicyDocuments } from '../../../src/adapters/policy/source/parse-documents.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';
import { BUNDLE, issuancePolicy } from '../../support/policy/policy-texts.ts';
import { HOUR_MS, issuedTo, refusedTo } from '../../support/policy/recorded-decisions.ts';
import { PolicyFiles, type Run } from '../support/policy-files.ts';

const LATER = NOON_MS + HOUR_MS;
const LIVE = { notAfterMs: LATER };
const RSA_ONLY = issuancePolicy('{ narrow: { keys: ["rsa>=3072"] } }');
const EC_ONLY = issuancePolicy('{ narrow: { keys: [ec-p256] } }');

async function judged(policy: string, ...words: readonly string[]): Promise<Run> {
  const records = [
    issuedTo({}, { notAfterMs: NOON_MS }),
    issuedTo({}, { ...LIVE, serial: 'beef' }),
    issuedTo({ who: 'team-a/api' }, LIVE),
    refusedTo(),
  ];
  await using files = await PolicyFiles.make({ 'bundle.yaml': BUNDLE, 'policies/local.yaml': policy }, records);
  const sources = ['--journal', '@journal.db', '--bundle', '@bundle.yaml', '--policies', '@policies'];
  return await files.run('drift', ...sources, ...words);
}

/** A server that gives one answer to whoever asks for its policies. */
async function answering(status: number, body: string) {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/policy' ? status : 404).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What a server says that has these documents in force. */
function inForce(...texts: readonly string[]): string {
  const documents = texts.flatMap((text) => parsePolicyDocuments(text, 'in-force.yaml').documents);
  const [bundle] = documents.flatMap(({ document, digest }) =>
    document.kind === 'PolicyBundle' ? [{ name: document.name, sequence: document.sequence, digest }] : [],
  );
  const policies = documents.flatMap(({ document, digest }) =>
    document.kind === 'IssuancePolicy'
      ? [{ kind: document.kind, namespace: document.namespace, name: document.name, digest }]
      : [],
  );
  return JSON.stringify({ revision: '0123456789abcdef', bundle, policies });
}

describe('capstan drift', () => {
  it("finds live certificates that today's policy would refuse: whose, which, until when and why", async () => {
    const { code, out } = await judged(RSA_ONLY);
    assert.equal(code, 1);
    const [head, row, ...rest] = out.split('\n');
    assert.match(head ?? '', /^IDENTITY +SERIAL +VALID UNTIL +RENEWAL +WHY$/);
    assert.match(
      row ?? '',
      /^spiffe:\/\/cluster.local\/ns\/shop\/sa\/web +beef +2026-01-06 13:00:00 UTC +refused +CAP-P02 shop\/local spec.narrow.keys: ec-p256, allowed rsa>=3072/,
    );
    assert.deepEqual(rest, ['', "2 live certificates, today's policy would refuse 1.", '']);
  });

  it('is content when policy would issue them again, and does not look at what has ended', async () => {
    const { code, out } = await judged(EC_ONLY);
    assert.deepEqual([code, out], [0, "2 live certificates, today's policy would refuse 0.\n"]);
  });

  it('warns of a certificate that only a renewal would get, without failing a pipeline', async () => {
    const condition = `{ id: closed, expression: "cluster.id == 'elsewhere'", message: Ask, onRenew: warn }`;
    const policy = issuancePolicy(`{ conditions: [${condition}] }`);
    const { code, out } = await judged(policy, '--output', 'json');
    assert.equal(code, 0);
    const { certificates } = JSON.parse(out) as { certificates: { refused: number; listed: { renewable: boolean }[] } };
    assert.equal(certificates.refused, 1);
    assert.deepEqual(
      certificates.listed.map(({ renewable }) => renewable),
      [true],
    );
    assert.match((await judged(policy)).out, /^spiffe:.* +waived +CAP-P12 shop\/local/m);
  });

  it('counts what depends on a cluster that it is not shown', async () => {
    const condition = '{ id: has-ingress, exists: { kind: Ingress }, message: Publish an Ingress }';
    const { code, out } = await judged(issuancePolicy(`{ conditions: [${condition}] }`));
    assert.equal(code, 0);
    assert.match(out, /would refuse 0, 1 depend on a cluster that is not known\.\n$/);
  });

  it('finds policies in force that are not those in Git, and what differs field by field', async () => {
    const files = {
      'bundle.yaml': BUNDLE,
      'policies/local.yaml': RSA_ONLY,
      'policies/old.yaml': issuancePolicy('{}', { name: 'old' }),
      'git/bundle.yaml': BUNDLE,
      'git/shop/local.yaml': EC_ONLY,
      'git/shop/new.yaml': issuancePolicy('{}', { name: 'new' }),
    };
    await using place = await PolicyFiles.make(files, []);
    const { code, out } = await place.run(
      'drift',
      '--bundle',
      '@bundle.yaml',
      '--policies',
      '@policies',
      '--git',
      '@git',
    );
    assert.equal(code, 1);
    const lines = out.replaceAll(`${place.folder}/`, '').split('\n');
    assert.deepEqual(lines, [
      'IssuancePolicy shop/local differs between what is in force and what Git keeps (git/shop/local.yaml:1:1)',
      '  spec.narrow.keys: rsa>=3072 in force, ec-p256 in Git',
      'IssuancePolicy shop/new is kept in Git, but is not in force (git/shop/new.yaml:1:1)',
      'IssuancePolicy shop/old is in force, but Git does not keep it',
      '3 policies differ from Git.',
      '',
    ]);
  });

  it('asks a running server which policies are in force', async () => {
    const files = { 'git/bundle.yaml': BUNDLE, 'git/shop/local.yaml': EC_ONLY };
    await using place = await PolicyFiles.make(files, []);
    await using same = await answering(200, inForce(BUNDLE, EC_ONLY));
    const content = await place.run('drift', '--server', same.url, '--git', '@git');
    assert.deepEqual([content.code, content.out], [0, 'The policies in force are those in Git.\n']);
    await using other = await answering(200, inForce(BUNDLE.replace('24h', '12h'), EC_ONLY));
    const drifted = await place.run('drift', '--server', other.url, '--git', '@git');
    assert.equal(drifted.code, 1);
    assert.match(drifted.out, /^PolicyBundle corp differs between what is in force and what Git keeps/);
  });

  const unusable: readonly [string, number, string, RegExp][] = [
    ['has no policy yet', 503, '{"error":"no policy is loaded"}', /it answers 503/],
    ['takes us for a stranger', 403, '{}', /it answers 403: name its https address, listen\.metrics\.address/],
    ['does not know the token', 401, '{}', /it answers 401: it takes another token/],
    ['answers something else', 200, '<html>', /its answer is not of the expected form/],
    ['answers without digests', 200, '{"revision":"1"}', /its answer is not of the expected form/],
    ['answers without an end', 200, ' '.repeat(9 * 1024 * 1024), /its answer is larger than 8388608 bytes/],
  ];
  for (const [what, status, body, problem] of unusable) {
    it(`cannot compare with a server that ${what}`, async () => {
      await using place = await PolicyFiles.make({ 'git/bundle.yaml': BUNDLE }, []);
      await using server = await answering(status, body);
      const { code, out, error } = await place.run('drift', '--server', server.url, '--git', '@git');
      assert.deepEqual([code, out], [2, '']);
      assert.match(error, problem);
      assert.ok(error.includes(server.url));
    });
  }

  it('shows a token over TLS alone', async () => {
    await using place = await PolicyFiles.make({ 'git/bundle.yaml': BUNDLE, token: 'x'.repeat(32) }, []);
    const words = ['--server', 'http://127.0.0.1:1', '--token-file', '@token', '--git', '@git'];
    const { code, error } = await place.run('drift', ...words);
    assert.equal(code, 2);
    assert.match(error, /--token-file needs an https URL: a token does not cross in the clear/);
  });

  it('reports to pipelines, policies at their place in Git', async () => {
    const files = { 'bundle.yaml': BUNDLE, 'git/bundle.yaml': BUNDLE.replace('24h', '12h') };
    await using place = await PolicyFiles.make(files, [issuedTo({ who: 'void/web' }, LIVE)]);
    const words = ['--journal', '@journal.db', '--bundle', '@bundle.yaml', '--git', '@git', '--output', 'sarif'];
    const { code, out } = await place.run('drift', ...words);
    assert.equal(code, 1);
    const log = JSON.parse(out) as { runs: { results: { ruleId: string; locations?: unknown[] }[] }[] };
    const results = log.runs[0]?.results ?? [];
    assert.deepEqual(results.map(({ ruleId }) => ruleId).sort(), ['CAP-P01', 'drift/different']);
    assert.match(JSON.stringify(results), /git\/bundle\.yaml/);
  });

  it('finds journal and policies by the configuration, of a folder of bundles the newest', async () => {
    const files = {
      'capstan.yaml': CONFIGURATION,
      'bundles/6.yaml': BUNDLE.replace('sequence: 7', 'sequence: 6').replace('shop, ', ''),
      'bundles/7.yaml': BUNDLE,
      'policies/local.yaml': RSA_ONLY,
    };
    await using place = await PolicyFiles.make(files, [issuedTo({}, LIVE)]);
    await place.write('capstan.yaml', CONFIGURATION.replaceAll('@', `${place.folder}/`));
    const { code, out, error } = await place.run('drift', '--config', '@capstan.yaml');
    assert.equal(error, '');
    assert.equal(code, 1);
    assert.match(out, /CAP-P02 shop\/local/);
  });

  it('says what to name when nothing could be compared', async () => {
    await using place = await PolicyFiles.make({}, []);
    const { code, error } = await place.run('drift', '--journal', '@journal.db');
    assert.equal(code, 2);
    assert.match(error, /name --config, or --journal and --bundle, or --server/);
  });

  it('knows the layout of the examples: a bundle in one folder, policies in others', async () => {
    const examples = path.resolve(import.meta.dirname, '../../../istio-config/examples');
    const [bundle, policies] = [path.join(examples, 'security/bundle.yaml'), path.join(examples, 'platform/policies')];
    await using files = await PolicyFiles.make({}, []);
    const judge = ['--journal', '@journal.db', '--bundle', bundle, '--policies', policies];
    const same = await files.run('drift', ...judge, '--git', bundle, '--git', policies);
    assert.equal(same.code, 0, same.error);
    assert.match(same.out, /The policies in force are those in Git\./);
    const missing = await files.run('drift', ...judge, '--git', policies);
    assert.equal(missing.code, 1);
    assert.match(missing.out, /1 policy differs from Git\./);
  });

  describe('asks a server what it found itself', () => {
    const [FIRST, SECOND] = ['a1'.repeat(20), 'b2'.repeat(20)];
    const asked = async (drift: object | undefined, ...words: readonly string[]): Promise<Run> => {
      const page = JSON.parse(inForce(BUNDLE)) as object;
      await using server = await answering(200, JSON.stringify({ ...page, drift }));
      await using files = await PolicyFiles.make({ 'bundle.yaml': BUNDLE }, []);
      return await files.run('drift', '--server', server.url, ...words);
    };

    it('and says which commit is in force', async () => {
      const { code, out } = await asked({ count: 0, gitRevision: FIRST, gitRevisionInForce: FIRST, policies: [] });
      assert.deepEqual([code, out], [0, `In force is commit ${FIRST}.\nThe policies in force are those in Git.\n`]);
    });

    it('and which policy is not in it', async () => {
      const policies = [{ title: 'IssuancePolicy shop/local', drift: 'missing' }];
      const watched = { count: 3, gitRevision: SECOND, gitRevisionInForce: FIRST, policies };
      const { code, out } = await asked(watched);
      assert.deepEqual(
        [code, out.split('\n')],
        [
          1,
          [
            `In force is commit ${FIRST}, checked out is commit ${SECOND}.`,
            'IssuancePolicy shop/local is in force, but Git does not keep it',
            'and 2 more',
            '3 policies differ from Git.',
            '',
          ],
        ],
      );
    });

    it('and fails when it compares with nothing, or cannot', async () => {
      const nothing = await asked(undefined);
      assert.deepEqual([nothing.code, /policy\.expected.*--git/.test(nothing.error)], [2, true]);
      const unread = await asked({ count: 0, problem: 'no such folder', policies: [] });
      assert.deepEqual([unread.code, /no such folder/.test(unread.error)], [2, true]);
    });
  });
});

const CONFIGURATION = `issuer: { chainFile: /chain.pem, keyFile: /key.pem }
trustAnchors: { file: /anchors.pem }
policy: { bundle: { file: @bundles, keys: [/key.pub], stateFile: /state.json }, directory: @policies }
authentication: { tokens: { issuers: [] } }
journal: { store: @journal.db }
`;
