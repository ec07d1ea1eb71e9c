import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openDevDataDirectory } from '../../../src/adapters/dev/dev-data-directory.ts';
import { parsePolicyDocuments } from '../../../src/adapters/policy/source/parse-documents.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import { TEST_TRUST_DOMAIN } from '../../support/certificates.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';

const FOLDERS: readonly string[] = ['sds', 'policies', 'manifests'];

describe('The data directory of dev mode', () => {
  let parent: string;
  let directory: string;

  beforeEach(async () => {
    parent = await mkdtemp(path.join(tmpdir(), 'capstan-dev-'));
    directory = path.join(parent, '.capstan');
  });
  afterEach(() => rm(parent, { recursive: true }));

  async function contents(): Promise<Record<string, string>> {
    const names = (await readdir(directory)).filter((name) => !FOLDERS.includes(name)).sort();
    const texts = names.map(async (name) => [name, await readFile(path.join(directory, name), 'utf8')] as const);
    return Object.fromEntries(await Promise.all(texts));
  }

  /** Opening fails, names `place` and says `problem`; nothing in the directory changes. */
  async function refuses(place: string, problem: string, nowMs = NOON_MS): Promise<void> {
    const before = await contents();
    await assert.rejects(openDevDataDirectory(directory, nowMs, TEST_TRUST_DOMAIN), (error: unknown) => {
      assert.ok(error instanceof AuthorityError);
      assert.equal(error.reason, 'CAP-X03');
      assert.ok(error.message.includes(`${place} ${problem}`), error.message);
      return true;
    });
    assert.deepEqual(await contents(), before);
  }

  it('is made with all that a server needs, keys for its owner alone', async () => {
    const { files, created, sockets } = await openDevDataDirectory(directory, NOON_MS, TEST_TRUST_DOMAIN);
    assert.equal(created, true);
    for (const place of [directory, sockets]) assert.equal((await stat(place)).mode & 0o777, 0o700);
    for (const key of ['rootKey', 'issuerKey', 'tokenIssuerKey'] as const) {
      assert.equal((await stat(files[key])).mode & 0o777, 0o600, key);
    }
    const { documents, problems } = parsePolicyDocuments(await readFile(files.bundle, 'utf8'), files.bundle);
    assert.deepEqual([documents.map(({ document }) => document.kind), problems], [['PolicyBundle'], []]);
    assert.deepEqual(await readdir(parent), ['.capstan']);
  });

  it('has an issuer with the SPIFFE ID of the trust domain, and none of a workload', async () => {
    const { files } = await openDevDataDirectory(directory, NOON_MS, TEST_TRUST_DOMAIN);
    const issuer = new X509Certificate(await readFile(files.chain, 'utf8'));
    assert.equal(issuer.subjectAltName, 'URI:spiffe://cluster.local');
  });

  it('is told how to go on when it has a policy of the first versions and no bundle', async () => {
    const { files } = await openDevDataDirectory(directory, NOON_MS, TEST_TRUST_DOMAIN);
    const old = path.join(directory, 'policy.yaml');
    await rename(files.bundle, old);
    await assert.rejects(openDevDataDirectory(directory, NOON_MS, TEST_TRUST_DOMAIN), {
      message: `CAP-X03 the configuration is invalid: ${old} is of an older version; write \`capstan policy migrate ${old} > ${files.bundle}\``,
    });
  });

  it('is used again by a second start', async () => {
    const first = await openDevDataDirectory(directory, NOON_MS, TEST_TRUST_DOMAIN);
    const before = await contents();
    const second = await openDevDataDirectory(directory, NOON_MS + 1000, TEST_TRUST_DOMAIN);
    assert.deepEqual(second, { ...first, created: false });
    assert.deepEqual(await contents(), before);
  });

  it('is made inside an empty directory that is there already', async () => {
    await mkdir(directory);
    assert.equal((await openDevDataDirectory(directory, NOON_MS, TEST_TRUST_DOMAIN)).created, true);
  });

  it('is one and the same for two starts at once', async () => {
    const both = await Promise.all([1, 2].map(async () => openDevDataDirectory(directory, NOON_MS, TEST_TRUST_DOMAIN)));
    assert.deepEqual(both.map(({ created }) => created).sort(), [false, true]);
    assert.deepEqual(await readdir(parent), ['.capstan']);
  });

  /** Each file, and the one that is named when it was exchanged for that of another CA. */
  const NAMED: Readonly<Record<string, string>> = {
    'root-cert.pem': 'root-key.pem',
    'root-key.pem': 'root-key.pem',
    'issuer-chain.pem': 'issuer-chain.pem',
    'issuer-key.pem': 'issuer-key.pem',
    'token-issuer-key.pem': 'token-issuer-key.pem',
    'token-issuer-jwks.json': 'token-issuer-key.pem',
  };
  for (const name of [...Object.keys(NAMED), 'bundle.yaml']) {
    it(`is refused when ${name} is missing or empty, and left alone`, async () => {
      await openDevDataDirectory(directory, NOON_MS, TEST_TRUST_DOMAIN);
      const place = path.join(directory, name);
      await truncate(place);
      await refuses(place, `is empty; restore it, or remove ${directory} to start over`);
      await rm(place);
      await refuses(place, 'is missing');
    });
  }
  for (const [name, named] of Object.entries(NAMED)) {
    it(`is refused when ${name} is cut short, and left alone`, async () => {
      await openDevDataDirectory(directory, NOON_MS, TEST_TRUST_DOMAIN);
      const place = path.join(directory, name);
      await truncate(place, 100);
      await refuses(place, '');
    });

    it(`is refused when ${name} is that of another CA, and left alone`, async () => {
      await openDevDataDirectory(directory, NOON_MS, TEST_TRUST_DOMAIN);
      const other = await openDevDataDirectory(path.join(parent, 'other'), NOON_MS, TEST_TRUST_DOMAIN);
      await writeFile(path.join(directory, name), await readFile(path.join(path.dirname(other.journal), name)));
      await refuses(path.join(directory, named), '');
    });
  }

  it('is refused when its issuer has expired', async () => {
    await openDevDataDirectory(directory, NOON_MS, TEST_TRUST_DOMAIN);
    await refuses(
      path.join(directory, 'issuer-chain.pem'),
      'certificate CN=Capstan Dev Issuer ended at',
      NOON_MS + 366 * 86_400_000,
    );
  });

  it("is never made among somebody's other files, and nobody is told to remove those", async () => {
    await mkdir(directory);
    await writeFile(path.join(directory, 'thesis.txt'), 'ten years of work');
    await refuses(directory, 'holds other files and is no data directory of Capstan; name a new or empty one');
  });

  it('cannot be a file', async () => {
    await writeFile(directory, 'a file');
    await assert.rejects(openDevDataDirectory(directory, NOON_MS, TEST_TRUST_DOMAIN), /\.capstan is not a directory/);
    assert.equal(await readFile(directory, 'utf8'), 'a file');
  });
});
